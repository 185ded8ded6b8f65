// What lies at an address: for debuggers, logs and crash handlers.
#pragma once
#include <zmm/inspect/areas.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// What find_block() knows of an address.
struct found_block {
  char const* engine = nullptr;  ///< kind of engine or pool: "heap", "request_pool", …; null: none of those searched has the address
  void const* owner = nullptr;   ///< the engine or pool
  area_info area;                ///< the area it lies in; address null: none that a visit passes
  block_info block;              ///< the live block it lies in; address null: none, or one that a request packed
  explicit operator bool() const noexcept { return engine != nullptr; }
};

namespace detail {

inline bool lies_in(void const* p, void const* start, std::size_t bytes) noexcept {
  return start != nullptr && address_of(p) - address_of(start) < bytes;
}

template <class Engine> bool find_in(Engine const& engine, void const* p, found_block& found) {
  engine.visit([&](area_info const& area) {
    if (!lies_in(p, area.address, area.bytes)) return true;
    found.area = area;
    return false;
  });
  if constexpr (!is_pool<Engine>) {
    engine.visit([&](block_info const& block) {
      if (!lies_in(p, block.address, block.usable)) return true;
      found.block = block;
      return false;
    });
  }
  if (found.area.address == nullptr && found.block.address == nullptr) return false;
  found.engine = inspection<Engine>::name;
  found.owner = &engine;
  return true;
}

}  // namespace detail

/// Effects: looks for `p`, which may point anywhere and is not read through: in the given engines, faces and pools, in this
/// order, then in the process's heap, then in the default request pool. The pool knows slabs and runs; to find a request's
/// blocks, pass the request. Returns: what is there: the area at one moment, the block at a later one. Complexity: as a
/// visit, linear in blocks.
template <class... X> found_block find_block(void const* p, X const&... where) {
  found_block found;
  static_cast<void>((detail::find_in(detail::inspected(where), p, found) || ...) ||
                    detail::find_in(thread_heap::heap(), p, found) ||
                    detail::find_in(default_request_pool(), p, found));
  return found;
}

}}  // namespace zmm
