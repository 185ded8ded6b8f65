// The synchronized heap's blocks, when callers' pointers are checked.
#pragma once

#include <zmm/heap/heap_core_checked.hpp>
#include <zmm/threads/synchronized_heap_own.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Options> class instance_keys<Options, true> {
protected:
  constexpr instance_keys() noexcept = default;
  /// Effects: draws new keys: earlier blocks are not valid any more. Requires: no thread is inside.
  void draw() noexcept { keys_ = block_keys::draw(); }
  template <class Holder> void hand_to(Holder& holder, void const* heap, std::uint64_t drops) noexcept {
    holder.rekey(keys_, heap);
    if constexpr (Options::check_frees) holder.settle(drops);
  }

private:
  block_keys keys_;
};

/// Whether slots of `bin` were handed out at `block` by this cache, out of its newest run. Requires: no run has gone back since
/// that was last settled.
template <class Options>
ZMM_INLINE bool thread_cache<Options>::has_handed_out(void const* block, bin_index bin) const noexcept {
  if constexpr (!std::is_same_v<fresh_run, started_run>) return false;
  else return fresh_[bin.value].template has_handed_out<Options::geometry::page_bytes>(block, bin);
}
/// Effects: what was handed out of the newest runs until now may have gone back.
template <class Options> void thread_cache<Options>::forget_handed_out() noexcept {
  if constexpr (std::is_same_v<fresh_run, started_run>)
    for (fresh_run& run : fresh_) run.forget_used();
}

/// As heap_core::end_if_proved(), by what this thread's cache knows.
template <class Options>
ZMM_INLINE bool synchronized_heap_own<Options>::end_if_proved(cache_type& own, void* block, bin_index bin,
                                                              std::size_t bytes, std::size_t alignment) noexcept {
  if constexpr (Options::tag_blocks) {
    if (ZMM_UNLIKELY(!own.is_readable(central_.source(), block, own.tags().end_of(block, bin, bytes)) ||
                     !own.tags().is_live(block, bin, bytes, alignment)))
      return false;
    own.tags().end_life(block, bin, bytes);
    return true;
  } else {
    return ZMM_LIKELY(own.is_up_to_date(central_.source()) && own.has_handed_out(block, bin)) &&
           ZMM_LIKELY(!own.links().is_free(block));
  }
}
/// Frees a small block after a look at the books, which stops unless it is live, in a slot of `bin`, and was asked for as
/// `bytes` at `alignment`. Also on a thread that has no cache, or whose cache is not in the heap's entry.
template <class Options>
ZMM_NOINLINE void synchronized_heap_own<Options>::free_small_slowly(cache_type* own, void* block, bin_index bin,
                                                                    std::size_t bytes, std::size_t alignment) noexcept {
  core_type const& blocks = central_.blocks();
  bool const has_cache = own != as_cache(&no_cache);
  std::uint64_t const known_at = own->known_at();
  page_entry const entry = has_cache ? own->entry_at(central_.source(), block) : blocks.seen_entry_at(block);
  // Afterwards: between a look at the count and this one, another thread's collection may give a run back.
  if (has_cache && own->known_at() != known_at) own->forget_handed_out();
  blocks.free_small_seen(block, entry, bin, bytes, alignment);
  if (!Options::tag_blocks && has_cache && ZMM_UNLIKELY(own->is_fresh(block, bin)))
    own->stop_in_run("a freed block was handed out", block);
  blocks.wipe_freed(block, bin, bytes);
  if (!has_cache || !own->push(bin, block)) give_back(block, bin);
}

/// As heap_core::seen_entry_at(); also stops at a slot that this thread's cache has not handed out yet. What is fresh in other
/// threads' caches is not known here. A tag tells by itself.
template <class Options>
page_entry synchronized_heap_own<Options>::seen_entry_at(void const* block) const noexcept {
  page_entry const entry = central_.blocks().seen_entry_at(block);
  if constexpr (!Options::tag_blocks) {
    cache_type const* const own = held_cache();
    if (own != nullptr && entry.kind() == page_kind::small && own->is_fresh(block, entry.bin()))
      own->stop_in_run("a freed block was handed out", block);
  }
  return entry;
}

template <class Options> void synchronized_heap_own<Options>::give_found_checked(void* block) noexcept {
  if (block == nullptr) return;
  core_type const& blocks = central_.blocks();
  page_entry const entry = seen_entry_at(block);
  if (core_type::is_huge(block) || entry.kind() != page_kind::small) {
    blocks.check_paged(block, entry, 0, 1);
    return give_paged(block);
  }
  give_back(block, blocks.free_found(block, entry));
}

}}}  // namespace zmm::detail
