// Small blocks that were freed lately, by size, not joined with their neighbours.
#pragma once

#include <zmm/segment/block_words.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Last in, first out. To its neighbours a block here is in use. All sizes share a budget of bytes, the original's: 4
/// KiB for each bucket.
/// Invariant: bytes == true sizes of the blocks on all lists <= budget.
template <class Words> class block_cache {
public:
  static constexpr std::size_t budget = bucket_count * 4096;

  /// Returns: a block for `usable` bytes; null: there is none.
  ZMM_INLINE heap_block* pop(std::size_t usable, Words const& words) noexcept {
    if (ZMM_UNLIKELY(usable > small_sizes_end - block_grain - Words::overhead)) return nullptr;
    std::size_t const size = true_size(usable + Words::overhead - word_bytes);
    free_slot*& head = heads_[bucket_of(size)];
    if (ZMM_UNLIKELY(head == nullptr)) return nullptr;
    bytes_ -= size;
    return words.pop(head);
  }
  /// Returns: whether it took the block of `size`.
  ZMM_INLINE bool push(heap_block* b, std::size_t size, Words const& words) noexcept {
    if (ZMM_UNLIKELY(!is_bucketed(size) || bytes_ + size > budget)) return false;
    bytes_ += size;
    words.push(heads_[bucket_of(size)], b);
    return true;
  }

  /// Effects: empties the cache, calling take(block) for each block. Returns: bytes. Complexity: linear in its blocks;
  /// the budget is enough for a few thousand.
  template <class Take> std::size_t drain(Words const& words, Take take) noexcept {
    std::size_t const all = bytes_;
    if (all == 0) return 0;
    bytes_ = 0;
    for (free_slot*& head : heads_)
      while (head != nullptr) take(words.pop(head));
    return all;
  }
  std::size_t bytes() const noexcept { return bytes_; }
  template <class Visit> void for_each(Words const& words, Visit visit) const {
    for (std::size_t i = 0; i < bucket_count; ++i)
      for (free_slot* at = heads_[i]; at != nullptr; at = words.next(at)) visit(heap_block::of(at), i);
  }

private:
  std::size_t bytes_ = 0;
  free_slot* heads_[bucket_count] = {};
};

}}}  // namespace zmm::detail
