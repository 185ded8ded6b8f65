// Free blocks of small sizes, a list for each size; and how blocks on a list are linked.
#pragma once

#include <zmm/segment/block_words.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Lists of free blocks, linked both ways. Unlinking checks both neighbours.
template <class Words> class block_links {
public:
  static void push(listed_block*& head, listed_block* b, Words const& words) noexcept {
    b->next = words.follow(head);
    b->prev = nullptr;
    if (head != nullptr) head->prev = b;
    head = b;
  }
  static void unlink(listed_block*& head, listed_block* b, Words const& words) noexcept {
    listed_block* const next = words.follow(b->next);
    listed_block* const prev = words.follow(b->prev);
    listed_block*& link = prev != nullptr ? prev->next : head;
    if (ZMM_UNLIKELY(link != b || (next != nullptr && next->prev != b)))
      words.stop_at("the neighbours of a free block on its list are linked to it", b);
    link = next;
    if (next != nullptr) next->prev = prev;
  }
};

/// One list for each small size, and a bitmap that says which are not empty. Every call is O(1).
/// Invariants: a bit is set if its list is not empty; the blocks of a list are free and of its size.
template <class Words> class free_buckets {
  using links = block_links<Words>;

public:
  void insert(heap_block* b, std::size_t size, Words const& words) noexcept {
    std::size_t const i = bucket_of(size);
    links::push(heads_[i], static_cast<listed_block*>(b), words);
    bitmap_ |= std::uint32_t{1} << i;
  }
  void remove(heap_block* b, std::size_t size, Words const& words) noexcept {
    std::size_t const i = bucket_of(size);
    links::unlink(heads_[i], static_cast<listed_block*>(b), words);
    if (heads_[i] == nullptr) bitmap_ &= ~(std::uint32_t{1} << i);
  }
  /// Returns: a block of `size`, or of the least size above that has one; null if none has. It stays on its list.
  heap_block* find(std::size_t size, Words const& words) const noexcept {
    std::uint32_t const from = bitmap_ >> bucket_of(size);
    return from != 0 ? words.follow(heads_[bucket_of(size) + lowest_bit(from)]) : nullptr;
  }

  std::uint32_t bitmap() const noexcept { return bitmap_; }
  template <class Visit> void for_each(Words const& words, Visit visit) const {
    for (std::size_t i = 0; i < bucket_count; ++i)
      for (listed_block* b = heads_[i]; b != nullptr; b = words.follow(b->next)) visit(b, i);
  }

private:
  std::uint32_t bitmap_ = 0;
  listed_block* heads_[bucket_count] = {};
};

}}}  // namespace zmm::detail
