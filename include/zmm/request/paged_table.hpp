// A request's list of its paged blocks.
#pragma once

#include <zmm/base/bits.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A paged block of a request: address and pages in one word. Pages are 0 for a huge block, whose size the pool knows.
class paged_block {
public:
  paged_block() = default;
  paged_block(void* start, std::size_t pages) noexcept : word_(address_of(start) | pages) {}

  void* start() const noexcept { return reinterpret_cast<void*>(word_ & ~mask); }
  std::size_t pages() const noexcept { return word_ & mask; }
  bool is_huge() const noexcept { return pages() == 0; }

private:
  static constexpr std::uintptr_t mask =
      4095;  // blocks are aligned to pages of 4 KiB or more, chunks have at most 4096

  std::uintptr_t word_ = 0;
};

/// A growing array, a few blocks of it in the object itself; more lie in memory that the owner provides: the request
/// itself. A block's position is its *tag*: the page map or the address index keeps it, so that a block is taken off
/// the list in constant time, by moving the last one there.
class paged_table {
public:
  paged_table() = default;
  paged_table(paged_table const&) = delete;
  paged_table& operator=(paged_table const&) = delete;

  std::size_t size() const noexcept { return size_; }
  bool full() const noexcept { return size_ == capacity_; }
  paged_block& operator[](std::size_t tag) const noexcept { return blocks_[tag]; }
  paged_block back() const noexcept { return blocks_[size_ - 1]; }

  /// The array's memory and its bytes; null and 0 while the object itself has room.
  void* memory() const noexcept { return blocks_ == inside_ ? nullptr : blocks_; }
  std::size_t memory_bytes() const noexcept { return blocks_ == inside_ ? 0 : capacity_ * sizeof(paged_block); }

  /// Bytes of the next larger array.
  std::size_t grown_bytes() const noexcept { return 4 * capacity_ * sizeof(paged_block); }

  /// Effects: moves to `room` of `bytes`, larger than before.
  void move_to(void* room, std::size_t bytes) noexcept {
    copy_bytes(room, blocks_, size_ * sizeof(paged_block));
    blocks_ = static_cast<paged_block*>(room);
    capacity_ = bytes / sizeof(paged_block);
  }

  /// Requires: not full.
  void push(paged_block block) noexcept { blocks_[size_++] = block; }

  /// Effects: takes the block with `tag` off. Returns: whether another block moved to that tag.
  bool remove(std::size_t tag) noexcept {
    blocks_[tag] = blocks_[--size_];
    return tag != size_;
  }

  /// Effects: forgets every block and the memory.
  void reset() noexcept {
    blocks_ = inside_;
    size_ = 0;
    capacity_ = inside_places;
  }

private:
  static constexpr std::size_t inside_places = 4;

  paged_block inside_[inside_places];
  paged_block* blocks_ = inside_;
  std::size_t size_ = 0;
  std::size_t capacity_ = inside_places;
};

}}}  // namespace zmm::detail
