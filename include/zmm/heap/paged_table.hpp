// A request's list of its paged blocks.
#pragma once

#include <zmm/base/bits.hpp>

#include <cstring>

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
  static constexpr std::uintptr_t mask = 4095;  // blocks are aligned to pages of 4 KiB or more, chunks have at most 4096

  std::uintptr_t word_ = 0;
};

/// A growing array whose memory the owner provides: the request itself. A block's position is its *tag*: the page map or
/// the address index keeps it, so that a block is taken off the list in constant time, by moving the last one there.
class paged_table {
public:
  std::size_t size() const noexcept { return size_; }
  bool full() const noexcept { return size_ == capacity_; }
  std::size_t bytes() const noexcept { return capacity_ * sizeof(paged_block); }
  paged_block* data() const noexcept { return blocks_; }
  paged_block& operator[](std::size_t tag) const noexcept { return blocks_[tag]; }

  paged_block back() const noexcept { return blocks_[size_ - 1]; }

  /// Bytes of the next larger array.
  std::size_t grown_bytes() const noexcept { return capacity_ == 0 ? 8 * sizeof(paged_block) : 2 * bytes(); }

  /// Effects: moves to `room` of `bytes`, larger than before.
  void move_to(void* room, std::size_t bytes) noexcept {
    if (size_ != 0) std::memcpy(room, blocks_, size_ * sizeof(paged_block));
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

private:
  paged_block* blocks_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}}}  // namespace zmm::detail
