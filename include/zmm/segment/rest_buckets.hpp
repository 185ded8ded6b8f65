// What is left of blocks that were split: looked at before a new segment is taken.
#pragma once

#include <zmm/segment/block_words.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A few blocks, the newest last. They are not linked, so a piece can be cut off one, and what is left stays a rest,
/// without touching a list. When there is one too many the oldest moves to the other free blocks.
/// Invariant: its blocks are free and have the guard flag, and no other free block has it.
template <class Words> class rest_buckets {
public:
  static constexpr std::size_t most = 8;

  /// Returns: the block that has to leave for `b`; null: there was room.
  heap_block* insert(heap_block* b) noexcept {
    heap_block* const oldest = count_ == most ? blocks_[0] : nullptr;
    if (oldest != nullptr) erase(0);
    blocks_[count_++] = b;
    return oldest;
  }
  void remove(heap_block* b, Words const& words) noexcept { erase(index_of(b, words)); }
  /// Effects: `by` is a rest instead of `b`.
  void replace(heap_block* b, heap_block* by, Words const& words) noexcept { blocks_[index_of(b, words)] = by; }
  /// Returns: the smallest of at least `size`; null if there is none. It stays where it is. Complexity: O(1), there are
  /// few.
  heap_block* find(std::size_t size, Words const& words) const noexcept {
    heap_block* best = nullptr;
    std::size_t best_size = ~std::size_t{0};
    for (std::size_t i = count_; i != 0; --i) {
      std::size_t const here = size_in(words.load(blocks_[i - 1]));
      if (here < size || here >= best_size) continue;
      best = blocks_[i - 1];
      best_size = here;
    }
    return best;
  }

  template <class Visit> void for_each(Visit visit) const {
    for (std::size_t i = 0; i < count_; ++i) visit(blocks_[i]);
  }

private:
  std::size_t index_of(heap_block* b, Words const& words) const noexcept {
    for (std::size_t i = count_; i != 0; --i)
      if (blocks_[i - 1] == b) return i - 1;
    words.stop_at("a rest is one of the heap's", b);
  }
  void erase(std::size_t i) noexcept {
    --count_;
    for (; i < count_; ++i) blocks_[i] = blocks_[i + 1];
  }

  std::size_t count_ = 0;
  heap_block* blocks_[most] = {};
};

}}}  // namespace zmm::detail
