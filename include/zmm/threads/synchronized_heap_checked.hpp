// The synchronized heap's blocks, when callers' pointers are checked.
#pragma once

#include <zmm/heap/heap_core_checked.hpp>
#include <zmm/threads/synchronized_heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
template <class Options> class instance_keys<Options, true> {
protected:
  constexpr instance_keys() noexcept = default;
  /// Effects: blocks of before do not hold any more. No thread is inside.
  void draw() noexcept { keys_ = block_keys::draw(); }
  template <class Part> void hand_to(Part& part) noexcept { part.rekey(keys_, this); }

private:
  block_keys keys_;
};
}  // namespace detail

/// A part to check with: this thread's, or any, which is only looked at: keys and source are the same. There is one if
/// there is any block.
template <class Options>
auto basic_synchronized_heap<Options>::checking_part(void const* block) const noexcept -> part_type* {
  part_type* part = held_part();
  if (part == nullptr) part = parts_.load(std::memory_order_acquire);
  if (part == nullptr) detail::stop({"a freed block lies in memory of this heap", block, this});
  return part;
}

/// A small block, by its size, on a thread that has no part, or one that the heap's entry does not tell.
template <class Options>
ZMM_NOINLINE void basic_synchronized_heap<Options>::deallocate_without_part(void* block, std::size_t bytes,
                                                                            std::size_t alignment) noexcept {
  detail::bin_index const bin = classes::bin_of(classes::rank_of(bytes, alignment));
  part_type* const part = checking_part(block);
  part->free_small_seen(block, part->seen_entry_at(block), bin, bytes, alignment);
  part->wipe_freed(block, bin, bytes);
  deallocate_foreign(block, bin);
}

template <class Options> void basic_synchronized_heap<Options>::deallocate_found(void* block) noexcept {
  if (block == nullptr) return;
  part_type* const part = checking_part(block);
  detail::page_entry const entry = part->seen_entry_at(block);
  if (part_type::is_huge(block) || entry.kind() != detail::page_kind::small) {
    part->check_paged(block, entry, 0, 1);
    return deallocate_paged(block);
  }
  deallocate_foreign(block, part->free_found(block, entry));
}

template <class Options> std::size_t basic_synchronized_heap<Options>::checked_size(void const* block) const noexcept {
  if (block == nullptr) return 0;
  part_type const* const part = checking_part(block);
  return part->checked_size(block, part->seen_entry_at(block));
}

}}  // namespace zmm
