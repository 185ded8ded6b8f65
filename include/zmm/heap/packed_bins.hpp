// The bins of a request: blocks of all sizes packed one behind the other.
//
//     pop
//        └─ (list empty) carve_one
//              └─ (bin in use) carve ─ (slab used up) the request opens another
//     push
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/base/size_classes.hpp>
#include <zmm/heap/free_slot.hpp>

#include <utility>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Small blocks are carved out of one region, whatever their bin, so that a request touches as few pages as its blocks
/// fill; freed ones go to the list of their bin and are reused first.
///
/// In a request that frees, a bin's list is empty half the time, at random, and the branch on it mispredicted. So a bin that
/// is used much (16 blocks), of slots up to 1 KiB, is carved eight blocks at a time, of which seven are listed. They are
/// linked without a loop, whose end would be mispredicted in turn. Below that, and so in small requests, which mostly free
/// nothing, blocks are carved one by one: nothing is wasted, and the list is empty every time.
///
/// A bin that is a multiple of 16 is aligned to 16 when it is carved (the gap, 8 bytes, is lost), any other to 8: so one
/// list serves every alignment up to 16. Blocks aligned to 32 or 64 are rounded to multiples of 64 and have lists of
/// their own, which are made in the region itself when the first such block is asked for.
///
/// Invariants, for each bin: live == carved - linked. [cursor, end) is the free part of the open slab.
template <std::size_t MinSlot> class packed_bins {
  using classes = size_classes<MinSlot>;

public:
  static constexpr std::size_t packed_alignment = 64;  ///< what asks for more is paged

  /// The first free block of the bin, or null: then carve().
  ZMM_INLINE void* pop(bin_index bin) noexcept { return pop_from(bins_, bin); }
  ZMM_INLINE void push(bin_index bin, void* block) noexcept { push_to(bins_, bin, block); }
  /// One block of the open slab, for a bin that is not carved in batches yet; null: then carve(). Requires: as carve().
  ZMM_INLINE void* carve_one(bin_index bin) noexcept {
    std::size_t const bytes = slot_bytes(bin);
    char* const block = aligned_cursor(15 ^ (bytes & 8));
    if (ZMM_UNLIKELY(bins_.carved[bin.value] >= batch_from || !fits(block, bytes))) return nullptr;
    cursor_ = block + bytes;
    ++bins_.carved[bin.value];
    return block;
  }
  /// A block of the open slab; null: the slab has no room for it. Requires: pop(bin) would return null.
  ZMM_INLINE void* carve(bin_index bin) noexcept { return carve_for(bins_, bin, 15 ^ (slot_bytes(bin) & 8)); }

  /// The same for alignments of 32 and 64. Requires: `bin` is that of a size rounded up to 64.
  ZMM_INLINE void* pop_wide(bin_index bin) noexcept { return wide_ != nullptr ? pop_from(*wide_, bin) : nullptr; }
  ZMM_INLINE void push_wide(bin_index bin, void* block) noexcept { push_to(*wide_, bin, block); }
  void* carve_wide(bin_index bin) noexcept {
    if (wide_ == nullptr && !make_wide()) return nullptr;
    return carve_for(*wide_, bin, packed_alignment - 1);
  }

  /// Effects: blocks come out of [begin, end) from now on. What is left of the region before is lost until reset().
  void open(char* begin, char* end) noexcept {
    closed_bytes_ += distance(begin_, cursor_);
    begin_ = cursor_ = begin;
    end_ = end;
  }

  /// Effects: forgets every block and region.
  void reset() noexcept { ::new (static_cast<void*>(this)) packed_bins(); }

  /// Bytes carved so far, gaps included: an upper bound of what is live.
  std::size_t carved_bytes() const noexcept { return closed_bytes_ + distance(begin_, cursor_); }

  /// Adds what is live to `size` and `blocks`. Complexity: linear in the free blocks.
  void count_live(std::size_t& size, std::size_t& blocks) const noexcept {
    for_each_bin([&](bin_index bin, free_slot const* list, std::size_t carved) {
      std::size_t live = carved;
      for (free_slot const* slot = list; slot != nullptr; slot = slot->next) --live;
      blocks += live;
      size += live * slot_bytes(bin);
    });
  }

  /// Calls visit(block, bytes) for every free block; stops if a list is longer than what was ever carved.
  template <class Visit> void verify(Visit visit, void const* heap) const noexcept {
    for_each_bin([&](bin_index bin, free_slot* list, std::size_t carved) {
      std::size_t links = 0;
      for (free_slot* slot = list; slot != nullptr; slot = slot->next) {
        check(++links <= carved, "a free list ends", slot, heap);
        check(is_aligned(slot, slot_bytes(bin) % 16 == 0 ? 16 : 8), "a free block is aligned", slot, heap);
        visit(static_cast<void*>(slot), slot_bytes(bin));
      }
    });
    check(cursor_ >= begin_ && cursor_ <= end_, "the cursor lies in the open slab", cursor_, heap);
  }

private:
  static constexpr std::size_t batch = 8;            ///< blocks carved at once by a bin that is used much
  static constexpr std::size_t batch_from = 16;      ///< blocks a bin has carved when it starts to
  static constexpr std::size_t batched_slot = 1024;  ///< largest slot that is: a batch is at most 8 KiB

  struct bin_set {
    bin_set() noexcept { clear(std::make_index_sequence<bin_count>()); }

    /// One store after the other: for arrays of this size g++ otherwise emits `rep stos`, whose start alone costs as much
    /// as all of these, and a request begins with this.
    template <std::size_t... I> ZMM_INLINE void clear(std::index_sequence<I...>) noexcept {
      ((lists[I] = nullptr), ...);
      ((carved[I] = 0), ...);
    }

    free_slot* lists[bin_count];
    std::size_t carved[bin_count];  ///< blocks ever taken from a slab
  };

  /// The aligned place at the cursor, whether or not a block fits there.
  ZMM_INLINE char* aligned_cursor(std::size_t mask) const noexcept {
    return reinterpret_cast<char*>((address_of(cursor_) + mask) & ~mask);
  }
  ZMM_INLINE bool fits(char const* block, std::size_t bytes) const noexcept {
    return static_cast<std::ptrdiff_t>(bytes) <= end_ - block;
  }

  ZMM_INLINE static void* pop_from(bin_set& set, bin_index bin) noexcept {
    free_slot* const slot = set.lists[bin.value];
    if (ZMM_LIKELY(slot != nullptr)) set.lists[bin.value] = slot->next;
    return slot;
  }
  ZMM_INLINE static void push_to(bin_set& set, bin_index bin, void* block) noexcept {
    set.lists[bin.value] = ::new (block) free_slot{set.lists[bin.value]};
  }

  ZMM_INLINE void* carve_for(bin_set& set, bin_index bin, std::size_t mask) noexcept {
    std::size_t const bytes = slot_bytes(bin);
    char* const block = aligned_cursor(mask);
    std::size_t count = 1;
    if (set.carved[bin.value] >= batch_from && bytes <= batched_slot && fits(block, batch * bytes)) {
      set.lists[bin.value] = link_batch(block, bytes);
      count = batch;
    } else if (ZMM_UNLIKELY(!fits(block, bytes))) {
      return nullptr;
    }
    cursor_ = block + count * bytes;
    set.carved[bin.value] += count;
    return block;
  }

  /// Links all blocks of a batch but the first, in address order; no loop, so nothing to mispredict.
  ZMM_INLINE static free_slot* link_batch(char* block, std::size_t bytes) noexcept {
    static_assert(batch == 8);
    auto const at = [&](std::size_t i) { return reinterpret_cast<free_slot*>(block + i * bytes); };
    ::new (static_cast<void*>(at(1))) free_slot{at(2)};
    ::new (static_cast<void*>(at(2))) free_slot{at(3)};
    ::new (static_cast<void*>(at(3))) free_slot{at(4)};
    ::new (static_cast<void*>(at(4))) free_slot{at(5)};
    ::new (static_cast<void*>(at(5))) free_slot{at(6)};
    ::new (static_cast<void*>(at(6))) free_slot{at(7)};
    ::new (static_cast<void*>(at(7))) free_slot{nullptr};
    return at(1);
  }

  ZMM_COLD bool make_wide() noexcept {
    char* const room = aligned_cursor(15);
    if (!fits(room, sizeof(bin_set))) return false;
    cursor_ = room + sizeof(bin_set);
    wide_ = ::new (static_cast<void*>(room)) bin_set;
    return true;
  }

  /// Calls visit(bin, free list, blocks carved) for each bin of both sets.
  template <class Visit> void for_each_bin(Visit visit) const {
    for (bin_set const* set : {&bins_, static_cast<bin_set const*>(wide_)}) {
      for (std::uint8_t i = 0; i < bin_count && set != nullptr; ++i) visit(bin_index{i}, set->lists[i], set->carved[i]);
    }
  }

  char* cursor_ = nullptr;
  char* end_ = nullptr;
  bin_set bins_;
  bin_set* wide_ = nullptr;
  char* begin_ = nullptr;
  std::size_t closed_bytes_ = 0;  ///< carved out of regions before the open one
};

}}}  // namespace zmm::detail
