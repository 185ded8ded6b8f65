// Larger free blocks: best fit by size in bitwise tries.
#pragma once

#include <zmm/segment/free_buckets.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// One trie for each highest bit of a size, and a bitmap that says which are not empty. Blocks of one size form a list,
/// the first of which has the place in the trie. Every call takes O(bits of a size) steps, however many blocks there are.
template <class Words> class large_buckets {
  struct by_size {
    Words const& words;
    std::size_t key(trie_block const* b) const noexcept { return size_in(words.load(b)); }
    trie_block* follow(trie_block* link) const noexcept { return words.follow(link); }
  };
  using trie = bit_trie<trie_block, by_size>;

public:
  void insert(heap_block* free, std::size_t size, Words const& words) noexcept {
    auto* const b = static_cast<trie_block*>(free);
    std::size_t const i = trie_of(size);
    b->next = b->prev = nullptr;
    trie_block* const first = trie::insert(roots_[i], b, first_bit(i), {words});
    bitmap_ |= std::size_t{1} << i;
    if (first == b) return;
    b->parent = b;
    b->prev = first;
    b->next = words.follow(first->next);
    if (b->next != nullptr) b->next->prev = b;
    first->next = b;
  }

  void remove(heap_block* free, std::size_t size, Words const& words) noexcept {
    auto* const b = static_cast<trie_block*>(free);
    std::size_t const i = trie_of(size);
    if (b->parent == b) {
      listed_block* none = nullptr;  // one that is not the first has another in front
      block_links<Words>::unlink(none, b, words);
    } else if (b->next != nullptr) {
      auto* const second = static_cast<trie_block*>(words.follow(b->next));
      if (ZMM_UNLIKELY(second->prev != b))
        words.stop_at("the neighbours of a free block on its list are linked to it", b);
      second->prev = nullptr;
      trie::replace(roots_[i], b, second, {words});
    } else {
      trie::remove(roots_[i], b, {words});
      if (roots_[i] == nullptr) bitmap_ &= ~(std::size_t{1} << i);
    }
  }

  /// Whether a block of `from` bytes may become one of `to` bytes without moving in the trie: a leaf stays in place if
  /// the bits that lead to it are the same, and no block on the way has the new size.
  bool stays(heap_block* free, std::size_t from, std::size_t to, Words const& words) const noexcept {
    auto const* const b = static_cast<trie_block const*>(free);
    std::size_t const i = trie_of(from);
    if (b->next != nullptr || b->prev != nullptr || b->child[0] != nullptr || b->child[1] != nullptr) return false;
    std::size_t depth = 0;
    for (trie_block const* at = words.follow(b->parent); at != nullptr; at = words.follow(at->parent), ++depth)
      if (size_in(words.load(at)) == to || depth == i) return false;
    return from >> (i - depth) == to >> (i - depth);
  }

  /// Returns: a block of the least size that is not below `size`; null if there is none. It stays where it is.
  heap_block* find(std::size_t size, Words const& words) const noexcept {
    std::size_t const i = trie_of(size);
    trie_block* best = nullptr;
    if ((bitmap_ >> i & 1) != 0) best = trie::lower_bound(roots_[i], size, first_bit(i), {words});
    if (best == nullptr) {
      std::size_t const above = i + 1 < trie_count ? bitmap_ >> (i + 1) << (i + 1) : 0;
      if (above == 0) return nullptr;
      std::size_t const j = lowest_bit(above);
      best = trie::lower_bound(roots_[j], 0, 0, {words});
    }
    // Taking the second block of that size leaves the trie as it is.
    return best->next != nullptr ? words.follow(best->next) : best;
  }

  std::size_t bitmap() const noexcept { return bitmap_; }
  template <class Visit> void for_each(Words const& words, Visit visit) const {
    for (std::size_t i = 0; i < trie_count; ++i) {
      trie::for_each(roots_[i], {words}, [&](trie_block& first) {
        for (listed_block* b = &first; b != nullptr; b = words.follow(b->next)) visit(b, i);
      });
    }
  }

private:
  static constexpr std::size_t first_bit(std::size_t trie) noexcept { return std::size_t{1} << trie >> 1; }

  std::size_t bitmap_ = 0;
  trie_block* roots_[trie_count] = {};
};

}}}  // namespace zmm::detail
