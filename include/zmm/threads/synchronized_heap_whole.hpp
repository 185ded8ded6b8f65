// The synchronized heap as a whole: release, lifts, collection, figures, verification.
#pragma once

#include <zmm/threads/synchronized_heap_own.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Draws new keys, if the options ask for any, and hands them to the core and to all caches.
template <class Options> void synchronized_heap_own<Options>::rekey(void const* heap) noexcept {
  this->draw();
  this->hand_to(central_.blocks_when_alone(), heap, central_.source().drops());
  for_each_cache([&](cache_type& c) { this->hand_to(c, heap, central_.source().drops()); });
}

template <class Options> void synchronized_heap_own<Options>::drop(void const* heap) noexcept {
  for_each_cache([](cache_type& c) { c.clear(); });
  central_.release();
  rekey(heap);
}

template <class Options> std::size_t synchronized_heap_own<Options>::collect() noexcept {
  if (cache_type* const own = held_cache()) central_.give_all(*own);
  return central_.collect();
}

template <class Options> std::size_t synchronized_heap_own<Options>::trim() noexcept {
  if (cache_type* const own = held_cache()) central_.give_all(*own, bin_count);
  std::size_t const bytes = central_.purge();
  return bytes + central_.source().locked([](auto& s) { return s.trim(); });
}

template <class Options> bool synchronized_heap_own<Options>::lifted() const noexcept {
  cache_type const* const own = held_cache();
  return own != nullptr ? own->gate.lifted() : lifts_without_cache_.load(detail::memory_order_relaxed) != 0;
}
template <class Options> void synchronized_heap_own<Options>::lift() noexcept {
  admission asked;
  asked.lifted = true;  // the thread's cache itself is made in spite of the limit
  if (cache_type* const own = cache_or_join(asked)) own->gate.lift();
  else lifts_without_cache_.fetch_add(1, detail::memory_order_relaxed);
}
template <class Options> void synchronized_heap_own<Options>::unlift() noexcept {
  cache_type* const own = held_cache();
  if (own != nullptr && own->gate.lifted()) return own->gate.unlift();
  if (lifts_without_cache_.load(detail::memory_order_relaxed) != 0)
    lifts_without_cache_.fetch_sub(1, detail::memory_order_relaxed);
}

template <class Options> void synchronized_heap_own<Options>::reset_peak() noexcept {
  central_.reset_peak();
  central_.source().locked([](auto& s) { s.book().reset_peak(); });
}

template <class Options> void synchronized_heap_own<Options>::count(statistics& s) const noexcept {
  auto& shared = const_cast<central_type&>(central_);  // magazines are taken out of the depots while they are counted
  shared.count_live(held_cache(), s.size, s.live_blocks);
  central_.source().locked([&](auto const& from) {
    s.size += from.huge_bytes();
    s.live_blocks += from.huge_blocks();
    s.real_size = from.book().real_size();
    s.real_peak = from.book().real_peak();
    s.chunks = from.chunks();
    s.cached_chunks = from.cached_chunks();
    s.huge_blocks = from.huge_blocks();
  });
  s.peak = central_.peak();
  if (s.peak < s.size) s.peak = s.size;
}

/// Invariants, besides those of the central and of each cache:
///     every slot in a cache or a depot lies in a run of its bin
///     live slots == carved - free slots of the core, of depots and of caches, and no slot is free twice
template <class Options> void synchronized_heap_own<Options>::verify(void const* heap) const noexcept {
  auto& shared = const_cast<central_type&>(central_);
  shared.verify(heap);
  for_each_cache([&](cache_type const& c) { c.verify(heap); });
  std::size_t size = 0, live = 0;
  shared.count_live(nullptr, size, live);
  for (std::uint8_t i = 0; i < cache_type::bins; ++i) {
    bin_index const bin{i};
    std::size_t linked = 0;
    auto const visit = [&](free_slot* slot) {
      ++linked;
      check(central_.source().has_chunk(core_type::chunk_type::of(slot)),
                    "a free slot lies in a chunk of this heap", slot, heap);
      check(core_type::is_small(slot) && core_type::entry_of(slot).bin().value == i,
                    "a free slot lies in a run of its bin", slot, heap);
    };
    for_each_cache([&](cache_type const& c) {
      linked = 0;
      c.for_each_linked(bin, visit);
      check(linked + c.fresh_slots(bin) <= live, "no slot is free twice", &c, heap);
      live -= linked + c.fresh_slots(bin);
    });
    shared.for_each_magazine(bin, [&](free_slot* magazine) {
      linked = 0;
      for_each_free(central_.blocks().links(), magazine, bin, magazine_slots(bin) + 1, visit);
      check(linked == magazine_slots(bin), "a magazine in a depot is full", magazine, heap);
    });
  }
}

}}}  // namespace zmm::detail
