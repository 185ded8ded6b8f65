// The bins of a request: blocks of all sizes packed one behind the other.
//
//     pop
//        └─ (list empty) carve_one
//              └─ (bin in use) carve ─ (slab used up) the request opens another
//     push
#pragma once

#include <zmm/base/annotate.hpp>
#include <zmm/base/checks.hpp>
#include <zmm/base/size_classes.hpp>
#include <zmm/base/utility.hpp>
#include <zmm/blocks/block_list.hpp>
#include <zmm/blocks/free_links.hpp>
#include <zmm/request/live_witness.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Bytes of a set of bins: a pointer and a number of each.
inline constexpr std::size_t wide_room_bytes = 2 * sizeof(void*) * bin_count;

/// Where the bins of wide blocks lie: in the region; or, if links are checked, in the request itself, out of reach of
/// blocks.
template <std::size_t Bytes> struct wide_room {
  void* own() noexcept { return wide_bins_room; }
  alignas(std::size_t) unsigned char wide_bins_room[Bytes];
};
template <> struct wide_room<0> {
  void* own() noexcept { return nullptr; }
};

/// Small blocks are carved out of one region, whatever their bin, so that a request touches as few pages as its blocks
/// fill; freed ones go to the list of their bin and are reused first.
///
/// Blocks are carved one by one. In a request that frees nothing every list is always empty. In one that frees, a bin's
/// list is empty half the time, at random, and the branch on that is mispredicted. So a request that is seen to free goes
/// over to *batches* of eight or sixteen blocks, of which the first is handed out and the others are listed. They are
/// linked without a loop, whose end would be mispredicted in turn. A free records nothing, and carving counts blocks
/// only. Instead, the region seems to end where 16 KiB are carved, then 32, 64, …: there the lists are looked at.
///
/// A bin that is a multiple of 16 is aligned to 16 when it is carved (the gap, 8 bytes, is lost), any other to 8: so
/// one list serves every alignment up to 16. Blocks aligned to 32 or 64 are rounded to multiples of 64 and have lists
/// of their own, which are made in the region itself when the first such block is asked for.
///
/// Invariants, for each bin: live == carved - linked. [cursor, end) is the free part of the open slab; the cursor is a
/// multiple of 8, but for a region too small to hold anything.
///
/// A slot begins with the Links::front bytes in front of its block: the block is aligned, not the slot.
template <class Links> class packed_bins : Links, wide_room<Links::are_plain ? 0 : wide_room_bytes> {
public:
  static constexpr std::size_t packed_alignment = 64;  ///< what asks for more is paged
  /// Whether blocks of this alignment have lists of their own.
  static constexpr bool is_wide(std::size_t alignment) noexcept { return alignment == 32 || alignment == 64; }

  Links& links() noexcept { return *this; }
  Links const& links() const noexcept { return *this; }

  /// The first free block of the bin, or null: then carve().
  ZMM_INLINE void* pop(bin_index bin) noexcept { return pop_from(bins_, bin); }
  ZMM_INLINE void push(bin_index bin, void* block) noexcept { push_to(bins_, bin, block); }
  /// One block of the open slab, while no look at the lists is due and blocks come one by one; null: then carve(). Requires:
  /// as carve().
  ZMM_INLINE void* carve_one(bin_index bin) noexcept {
    std::uintptr_t const bytes = slot_bytes(bin), at = address_of(cursor_);
    std::uintptr_t const slot =
        at + ((at ^ Links::front) & ~bytes & 8);  // the block at a multiple of 16 if the slot is one
    std::uintptr_t const top = slot + bytes, block = slot + Links::front;
    if (ZMM_UNLIKELY(top > address_of(stop_))) return nullptr;
    cursor_ = reinterpret_cast<char*>(top);
    ++bins_.carved[bin.value];
    if (block == 0) __builtin_unreachable();
    return reinterpret_cast<void*>(block);
  }
  /// A block of the open slab; null: the slab has no room for it. Requires: pop(bin) would return null.
  ZMM_INLINE void* carve(bin_index bin) noexcept { return carve_for(bins_, bin, 15 ^ (slot_bytes(bin) & 8)); }

  /// Effects: adds up to `count` blocks to `list`: free ones, then some of the open slab in the order of their addresses.
  void pop_some(bin_index bin, std::size_t count, block_list& list) noexcept {
    static_assert(Links::are_plain, "a block list has plain links");
    std::size_t const before = list.size(), bytes = slot_bytes(bin);
    list.take_front(bins_.lists[bin.value], count);
    count -= list.size() - before;
    char* const block = aligned_cursor(15 ^ (bytes & 8));
    if (count == 0 || !fits(block, bytes)) return;
    std::size_t const room = distance(block, end_) / bytes, fresh = room < count ? room : count;
    list.append_run(block, bytes, fresh);
    cursor_ = block + fresh * bytes;
    bins_.carved[bin.value] += fresh;
  }
  /// Effects: frees all blocks of `list`, each of this bin.
  void push_all(bin_index bin, block_list& list) noexcept { list.give_all(bins_.lists[bin.value]); }

  /// The same for alignments of 32 and 64. Requires: `bin` is that of a size rounded up to 64.
  ZMM_INLINE void* pop_wide(bin_index bin) noexcept { return wide_ != nullptr ? pop_from(*wide_, bin) : nullptr; }
  ZMM_INLINE void push_wide(bin_index bin, void* block) noexcept { push_to(*wide_, bin, block); }
  void* carve_wide(bin_index bin) noexcept {
    if (wide_ == nullptr && !make_wide()) return nullptr;
    return carve_for(*wide_, bin, packed_alignment - 1);
  }

  /// Effects: blocks come out of [begin, end) from now on. What is left of the previous region is lost until reset().
  void open(char* begin, char* end) noexcept {
    closed_bytes_ += distance(begin_, cursor_);
    std::size_t const skip = align_up(address_of(begin), 8) - address_of(begin);  // a caller's buffer may lie anywhere
    begin_ = cursor_ = skip < distance(begin, end) ? begin + skip : end;
    end_ = end;
    if constexpr (!Links::are_plain) {
      allow(begin, distance(begin, end));  // what lay here before may still be forbidden
      if (distance(cursor_, end_) >= 2048) begin_ = cursor_ += links().random_gap();
    }
    set_stop();
  }

  /// Effects: from now on pop() finds nothing; what is pushed waits for take_list(). Requires: no region was opened.
  void forward() noexcept { floor_ = ~std::uintptr_t{0}; }
  /// Returns: the free blocks of the bin, which has none then. Alignments up to 16.
  free_slot* take_list(bin_index bin) noexcept {
    free_slot* const list = bins_.lists[bin.value];
    if (list != nullptr) bins_.lists[bin.value] = nullptr;  // else no write: threads may share a heap that is nobody's
    return list;
  }

  /// Effects: from now on pop() and carve_one() find nothing; or they find again what they would have.
  void close_hits() noexcept;
  void open_hits() noexcept;
  bool are_hits_closed() const noexcept { return floor_ != 0; }
  /// Effects: forgets every block and region.
  void reset() noexcept {
    Links const kept = links();
    std::uintptr_t const floor = floor_;
    ::new (static_cast<void*>(this)) packed_bins();
    links() = kept;
    floor_ = floor;
    hidden_end_ = nullptr;
  }

  char* cursor() const noexcept { return cursor_; }  ///< of the open region: what is in front of it was carved
  /// Bytes carved so far, gaps included: an upper bound of what is live.
  std::size_t carved_bytes() const noexcept { return closed_bytes_ + distance(begin_, cursor_); }

  /// Whether some bin has blocks and none of them is free: then something is live. False does not mean that nothing is.
  bool is_surely_live() const noexcept {
    bool live = false;
    for_each_bin(
        [&](bin_index, free_slot const* list, std::size_t carved) { live = live || (carved != 0 && list == nullptr); });
    return live;
  }

  /// Calls visit(block, bytes) for every free block: a look, which end_look() ends. Complexity: linear in them.
  template <class Visit> void look(Visit visit) noexcept;
  /// Effects: remembers what the look saw. Requires: `free` blocks are free. Complexity: a fraction of the look.
  void end_look(std::size_t free) noexcept;
  /// Whether the look found something live. Requires: nothing has changed since.
  bool saw_live() const noexcept { return witness_.is_set() && witness_.saw_live(); }
  /// As live_witness::is_look_due(); true before the first look.
  bool is_look_due(bool unchanged, bool dead_counts) noexcept;
  /// Adds what is live to `size` and `blocks`. Complexity: linear in the free blocks.
  void count_live(std::size_t& size, std::size_t& blocks) const noexcept;

  /// Bytes of all blocks carved so far, live or free, without gaps.
  std::size_t block_bytes() const noexcept;
  /// A number that most probably changes when a block is freed or a free one handed out.
  std::size_t sum_of_heads() const noexcept;
  /// Effects: forgets the free blocks for which is_gone(block) is true, as if they had never been carved: their memory
  /// goes to somebody else. Subtracts their number from `blocks`. To be called between look() and end_look(). Returns:
  /// their bytes. Complexity: linear in the free blocks.
  template <class IsGone> std::size_t forget_free_blocks(IsGone is_gone, std::size_t& blocks) noexcept;
  /// Effects: makes carved_bytes() less by `bytes`, and at most `most`.
  void forget_carved(std::size_t bytes, std::size_t most) noexcept {
    closed_bytes_ -= bytes;
    if (carved_bytes() > most) closed_bytes_ -= carved_bytes() - most;
  }
  /// Whether the bins of wide blocks lie in these bytes of a region.
  bool has_wide_bins_in(void const* begin, std::size_t bytes) const noexcept {
    return address_of(wide_) - address_of(begin) < bytes;
  }

  /// Calls visit(block, bytes) for every free block; stops if a list is longer than what was ever carved.
  template <class Visit> void verify(Visit visit, void const* heap) const noexcept;

private:
  static constexpr std::size_t batch = 8;                  ///< blocks carved at once in a request that frees
  static constexpr std::size_t long_batch = 16;            ///< and where they are at most a 64th of what was carved
  static constexpr std::size_t largest_in_batches = 1024;  ///< bytes of a slot, so batches have up to 16 KiB
  static constexpr std::size_t first_look = 16 << 10;      ///< bytes carved before the first look at the lists

  struct bin_set {
    bin_set() noexcept { clear(indices_up_to<bin_count>()); }

    /// One store after the other: for arrays of this size g++ otherwise emits `rep stos`, whose start alone costs as
    /// much as all of these, and a request begins with this.
    template <std::size_t... I> ZMM_INLINE void clear(indices<I...>) noexcept {
      ((lists[I] = nullptr), ...);
      ((carved[I] = 0), ...);
    }

    free_slot* lists[bin_count];
    std::size_t carved[bin_count];  ///< blocks, live or free
  };

  /// Effects: settles where the next look is due, and whether blocks are carved in batches from now on.
  void look_at_lists() noexcept;
  void set_stop() noexcept {
    std::size_t const carved = carved_bytes(), before_look = carved < next_look_ ? next_look_ - carved : 0;
    stop_ = in_batches_ ? nullptr : before_look < distance(cursor_, end_) ? cursor_ + before_look : end_;
  }
  /// Whether blocks of so many bytes are carved in batches: not if one would be more than an eighth of what was carved.
  ZMM_INLINE bool is_in_batches(std::size_t bytes) const noexcept {
    return in_batches_ && bytes <= largest_in_batches && batch * bytes <= carved_bytes() / 8;
  }

  /// The aligned place at the cursor, whether or not a block fits there.
  ZMM_INLINE char* aligned_cursor(std::size_t mask) const noexcept {
    return reinterpret_cast<char*>((address_of(cursor_) + Links::front + mask) & ~mask);
  }
  ZMM_INLINE bool fits(char const* block, std::size_t bytes) const noexcept {
    return static_cast<std::ptrdiff_t>(bytes - Links::front) <= end_ - block;
  }

  ZMM_INLINE void* pop_from(bin_set& set, bin_index bin) const noexcept {
    return links().pop(set.lists[bin.value], bin, floor_);
  }
  ZMM_INLINE void push_to(bin_set& set, bin_index bin, void* block) const noexcept {
    links().push(set.lists[bin.value], bin, block);
  }

  ZMM_INLINE void* carve_for(bin_set& set, bin_index bin, std::size_t mask) noexcept {
    std::size_t const bytes = slot_bytes(bin);
    char* const block = aligned_cursor(mask);
    if (ZMM_UNLIKELY(!fits(block, bytes))) return nullptr;
    std::size_t count = 1;
    if (is_in_batches(bytes) && fits(block, batch * bytes)) {
      bool const is_long = long_batch * bytes <= carved_bytes() / 64 && fits(block, long_batch * bytes);
      count = is_long ? long_batch : batch;
      set.lists[bin.value] = is_long ? link_batch<long_batch>(block, bin) : link_batch<batch>(block, bin);
    }
    cursor_ = block + count * bytes - Links::front;
    set.carved[bin.value] += count;
    if (ZMM_UNLIKELY(cursor_ > stop_ && !in_batches_)) look_at_lists();
    return block;
  }

  /// Links all blocks of a batch but the first, in address order; no loop, so nothing to mispredict.
  template <std::size_t Count> ZMM_INLINE free_slot* link_batch(char* block, bin_index bin) const noexcept {
    return link_batch(block, bin, indices_up_to<Count - 2>());
  }
  template <std::size_t... I>
  ZMM_INLINE free_slot* link_batch(char* block, bin_index bin, indices<I...>) const noexcept {
    std::size_t const bytes = slot_bytes(bin), last = sizeof...(I) + 1;
    auto const at = [&](std::size_t i) { return static_cast<free_slot*>(static_cast<void*>(block + i * bytes)); };
    (links().wipe_unused(at(I + 1), bin), ..., links().wipe_unused(at(last), bin));
    (links().make(at(I + 1), bin, at(I + 2)), ...);
    links().make(at(last), bin, nullptr);
    return at(1);
  }

  ZMM_COLD bool make_wide() noexcept {
    static_assert(sizeof(bin_set) == wide_room_bytes);
    if (void* const own = this->own()) {
      wide_ = ::new (own) bin_set;
      return true;
    }
    char* const room = aligned_cursor(15);
    if (!fits(room, sizeof(bin_set))) return false;
    cursor_ = room + sizeof(bin_set);
    wide_ = ::new (static_cast<void*>(room)) bin_set;
    return true;
  }

  template <class IsGone> std::size_t forget_in(bin_set& set, IsGone is_gone, std::size_t& blocks) noexcept;

  /// Calls visit(bin, free list, blocks carved) for each bin of both sets.
  template <class Visit> void for_each_bin(Visit visit) const {
    bin_set const* const sets[] = {&bins_, wide_};
    for (bin_set const* set : sets) {
      for (std::uint8_t i = 0; i < bin_count && set != nullptr; ++i) visit(bin_index{i}, set->lists[i], set->carved[i]);
    }
  }

  char* cursor_ = nullptr;
  /// Where carve_one() stops: the end, or where a look at the lists is due; null while blocks are carved in batches.
  char* stop_ = nullptr;
  /// Blocks at or below this address are not handed out: 0, or the highest address where the engine forwards its
  /// blocks.
  std::uintptr_t floor_ = 0;
  bin_set bins_;
  bin_set* wide_ = nullptr;
  char* begin_ = nullptr;
  char* end_ = nullptr;
  char* hidden_end_;                    ///< its value, while hits are closed
  std::size_t next_look_ = first_look;  ///< bytes carved by which the next look is due
  bool in_batches_ = false;             ///< for good, until reset()
  live_witness witness_;
  std::size_t closed_bytes_ = 0;  ///< carved out of regions before the open one
};

}}}  // namespace zmm::detail

#include <zmm/request/packed_bins_whole.hpp>
