// From an address to what lies there: for debuggers, logs and crash handlers.
#pragma once
#include <zmm/inspect/areas.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// What find_block() knows of an address.
struct found_block {
  char const* engine = nullptr;  ///< what kind of engine or pool: "heap", "request_pool", …; null: none of those asked has it
  void const* owner = nullptr;   ///< the engine or pool
  area_info area;                ///< the area it lies in; address null: none that is told of
  block_info block;              ///< the live block it lies in; address null: none, or packed in a request
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

/// Effects: looks for `p`, which may point anywhere and is not read through, in the engines, faces and pools given, in their
/// order; then in the process's heap; then in the default request pool, which knows slabs and runs. A request is found if it
/// is given. Returns: what is there: the area at one moment, the block at a later one. Complexity: that of a visit, linear
/// in blocks.
template <class... X> found_block find_block(void const* p, X const&... where) {
  found_block found;
  static_cast<void>((detail::find_in(detail::inspected(where), p, found) || ...) ||
                    detail::find_in(thread_heap::heap(), p, found) ||
                    detail::find_in(default_request_pool(), p, found));
  return found;
}

}}  // namespace zmm
