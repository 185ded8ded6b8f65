// The bins of a request: blocks of all sizes packed one behind the other.
//
//     take ─ pop
//        └─ bump ─ (slab used up) the request opens another
//     give
#pragma once

#include <zmm/base/size_classes.hpp>
#include <zmm/heap/free_slot.hpp>
#include <zmm/heap/slab.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Small blocks are bumped out of one region, whatever their bin, so that a request touches as few pages as its blocks
/// fill; freed ones go to the list of their bin and are reused first.
///
/// A bin that is a multiple of 16 is aligned to 16 when it is bumped (the gap, 8 bytes, is lost), any other to 8: so one
/// list serves every alignment up to 16. Blocks aligned to 32 or 64 are rounded to multiples of 64 and have lists of
/// their own, which are made in the region itself when the first such block is asked for.
///
/// Invariants, for each bin: live == bumped - linked. [cursor, end) is the free part of the open slab.
template <std::size_t MinSlot> class packed_bins {
  using classes = size_classes<MinSlot>;

public:
  static constexpr std::size_t packed_alignment = 64;  ///< what asks for more is paged

  /// Whether `alignment` is a power of two up to 16: what the fast path serves.
  ZMM_INLINE static constexpr bool is_narrow(std::size_t alignment) noexcept {
    return (alignment & ((alignment - 1) | ~std::size_t{31})) == 0;
  }

  /// A block of the bin from its list or the open slab; null: the slab has no room for it.
  ZMM_INLINE void* take(bin_index bin) noexcept {
    bin_state& b = bins_[bin.value];
    free_slot* const slot = b.list;
    if (slot == nullptr) return bump(b, slot_bytes(bin), 15 ^ (slot_bytes(bin) & 8));
    b.list = slot->next;
    return slot;
  }
  ZMM_INLINE void give(bin_index bin, void* block) noexcept {
    bin_state& b = bins_[bin.value];
    b.list = ::new (block) free_slot{b.list};
  }

  /// The same for alignments of 32 and 64. Requires: `bin` is that of a size rounded up to 64.
  void* take_wide(bin_index bin) noexcept {
    if (wide_ == nullptr && !make_wide()) return nullptr;
    bin_state& b = wide_[bin.value];
    if (free_slot* const slot = b.list) {
      b.list = slot->next;
      return slot;
    }
    return bump(b, slot_bytes(bin), packed_alignment - 1);
  }
  void give_wide(bin_index bin, void* block) noexcept {
    bin_state& b = wide_[bin.value];
    b.list = ::new (block) free_slot{b.list};
  }

  /// Effects: blocks come out of [begin, end) from now on. What is left of the region before is lost until reset().
  void open(char* begin, char* end) noexcept {
    closed_bytes_ += distance(begin_, cursor_);
    begin_ = cursor_ = begin;
    end_ = end;
  }

  /// Effects: forgets every block and region.
  void reset() noexcept { *this = packed_bins(); }

  /// Bytes bumped so far, gaps included: an upper bound of what is live.
  std::size_t carved_bytes() const noexcept { return closed_bytes_ + distance(begin_, cursor_); }

  /// Adds what is live to `size` and `blocks`. Complexity: linear in the free blocks.
  void count_live(std::size_t& size, std::size_t& blocks) const noexcept {
    for_each_bin([&](bin_index bin, bin_state const& b) {
      std::size_t live = b.bumped;
      for (free_slot* slot = b.list; slot != nullptr; slot = slot->next) --live;
      blocks += live;
      size += live * slot_bytes(bin);
    });
  }

  /// Calls visit(block, bytes) for every free block; stops if a list is longer than what was ever bumped.
  template <class Visit> void verify(Visit visit, void const* heap) const noexcept {
    for_each_bin([&](bin_index bin, bin_state const& b) {
      std::size_t links = 0;
      for (free_slot* slot = b.list; slot != nullptr; slot = slot->next) {
        check(++links <= b.bumped, "a free list ends", slot, heap);
        check(is_aligned(slot, slot_bytes(bin) % 16 == 0 ? 16 : 8), "a free block is aligned", slot, heap);
        visit(static_cast<void*>(slot), slot_bytes(bin));
      }
    });
    check(cursor_ >= begin_ && cursor_ <= end_, "the cursor lies in the open slab", cursor_, heap);
  }

private:
  struct bin_state {
    free_slot* list = nullptr;
    std::size_t bumped = 0;  ///< blocks ever taken from a slab
  };

  ZMM_INLINE void* bump(bin_state& b, std::size_t bytes, std::size_t mask) noexcept {
    char* const block = reinterpret_cast<char*>((address_of(cursor_) + mask) & ~mask);
    if (ZMM_UNLIKELY(static_cast<std::ptrdiff_t>(bytes) > end_ - block)) return nullptr;
    cursor_ = block + bytes;
    ++b.bumped;
    return block;
  }

  ZMM_COLD bool make_wide() noexcept {
    bin_state uncounted;
    void* const room = bump(uncounted, bin_count * sizeof(bin_state), 15);
    if (room == nullptr) return false;
    wide_ = static_cast<bin_state*>(room);
    for (std::size_t i = 0; i < bin_count; ++i) ::new (static_cast<void*>(wide_ + i)) bin_state;
    return true;
  }

  template <class Visit> void for_each_bin(Visit visit) const {
    for (std::uint8_t i = 0; i < bin_count; ++i) visit(bin_index{i}, bins_[i]);
    if (wide_ == nullptr) return;
    for (std::uint8_t i = 0; i < bin_count; ++i) visit(bin_index{i}, wide_[i]);
  }

  char* cursor_ = nullptr;
  char* end_ = nullptr;
  bin_state bins_[bin_count];
  bin_state* wide_ = nullptr;
  char* begin_ = nullptr;
  std::size_t closed_bytes_ = 0;  ///< bumped out of regions before the open one
};

}}}  // namespace zmm::detail
