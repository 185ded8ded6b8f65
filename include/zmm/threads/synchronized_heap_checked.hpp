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
  template <class Holder> void hand_to(Holder& holder, void const* heap) noexcept {
    holder.rekey(keys_, heap);
  }

private:
  block_keys keys_;
};

/// Stops unless `block` is live, in a slot of `bin`, and was asked for as `bytes` at `alignment`. If blocks have tags,
/// the tag tells, once its place is known to be readable; else the heap's books do.
template <class Options>
ZMM_INLINE void synchronized_heap_own<Options>::check_small(cache_type& own, void* block, bin_index bin,
                                                              std::size_t bytes, std::size_t alignment) noexcept {
  if constexpr (Options::tag_blocks) {
    if (ZMM_LIKELY(own.is_readable(central_.source(), block, own.tags().end_of(block, bin, bytes)) &&
                   own.tags().is_live(block, bin, bytes, alignment)))
      return own.tags().end_life(block, bin, bytes);
  }
  central_.blocks().free_small_seen(block, own.entry_at(central_.source(), block), bin, bytes, alignment);
  if (!Options::tag_blocks && ZMM_UNLIKELY(own.is_fresh(block, bin)))
    own.stop_in_run("a freed block was handed out", block);
}

/// Frees a small block by its size, on a thread that has no cache, or whose cache is not in the heap's entry.
template <class Options>
ZMM_NOINLINE void synchronized_heap_own<Options>::give_without_cache(void* block, std::size_t bytes,
                                                                             std::size_t alignment) noexcept {
  core_type const& blocks = central_.blocks();
  bin_index const bin = classes::bin_of(classes::rank_of(bytes, alignment));
  blocks.free_small_seen(block, blocks.seen_entry_at(block), bin, bytes, alignment);
  blocks.wipe_freed(block, bin, bytes);
  give_back(block, bin);
}

template <class Options> void synchronized_heap_own<Options>::give_found_checked(void* block) noexcept {
  if (block == nullptr) return;
  core_type const& blocks = central_.blocks();
  page_entry const entry = blocks.seen_entry_at(block);
  if (core_type::is_huge(block) || entry.kind() != page_kind::small) {
    blocks.check_paged(block, entry, 0, 1);
    return give_paged(block);
  }
  give_back(block, blocks.free_found(block, entry));
}

}}}  // namespace zmm::detail
