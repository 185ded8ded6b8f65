// Visits of an engine: what its core reports, and the live blocks that its watch knows.
#pragma once
#include <zmm/blocks/block_info.hpp>
#include <zmm/watch/engine_over.hpp>
#include <zmm/watch/watch_walk.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The engine that a face, or the process's heap, stands for; an engine or a pool stands for itself.
template <class X> auto inspected(X const& x, int) noexcept -> decltype((x.heap())) { return x.heap(); }
template <class X> X const& inspected(X const& x, long) noexcept { return x; }
template <class X> auto const& inspected(X const& x) noexcept { return inspected(x, 0); }

/// Core has `tell_all(tell, tells_blocks)`: tells of each area and, with `tells_blocks`, of its live blocks; false: the
/// visitor had enough.
template <class Core> struct inspection<engine_over<Core>> {
  using heap_type = engine_over<Core>;

  static Core const& core_of(heap_type const& heap) noexcept { return heap.core(); }
  static Core& core_of(heap_type& heap) noexcept { return heap.core(); }
  static auto const* watch(heap_type const& heap) noexcept { return heap.watch(); }

  template <class Visit> static bool visit(heap_type const& heap, Visit& visitor) {
    teller<Visit> tell(visitor);
    bool const is_watched = heap.is_watched();
    if (is_watched) watched_calls::free_deferred(const_cast<heap_type&>(heap));
    if (!heap.forwards() && (teller<Visit>::of_areas || !is_watched) && !heap.core().tell_all(tell, !is_watched))
      return false;
    auto const* const watch = is_watched ? heap.watch() : nullptr;
    return !teller<Visit>::of_blocks || watch == nullptr || walk_watch(*watch, tell, heap_type::slot_limit);
  }
};

/// The watch of any engine, or null. Code that needs only this need not include the engine's own visit.
template <class Core> auto const* watch_in(engine_over<Core> const& engine) noexcept {
  return inspection<engine_over<Core>>::watch(engine);
}

}}}  // namespace zmm::detail
