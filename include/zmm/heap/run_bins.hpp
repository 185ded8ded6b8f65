// Floor 3: engines. Includes floors 0 to 2 only.
//
// The bins of a heap: slots carved out of runs of pages.
//
//     pop ─ (list empty) bump ─ (run used up) refill ─ page_layer::take_pages
//     push
#pragma once

#include <zmm/chunk/page_layer.hpp>
#include <zmm/heap/block_list.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Small blocks, by bin. A fresh run is bumped through, so that no slot's memory is touched before it is used; what was
/// freed is linked, last in first out, and reused first.
///
/// Invariants, for each bin:
///     carved == slots of all its runs
///     [bump, end) is the part of the newest run that was never handed out; a multiple of the slot
///     every slot of every run is live, on its list, on `spare`, or in [bump, end): live == carved - linked - unbumped
///     the list is empty if nothing was freed, and no spare list taken over, since the last collection
template <class Layer, std::size_t MinSlot> class run_bins {
public:
  using geometry = typename Layer::geometry;
  using chunk_type = chunk<geometry>;
  using layout = run_layout<geometry::page_bytes>;

  /// The first free slot, or null: then bump().
  ZMM_INLINE void* pop(bin_index bin) noexcept {
    free_slot* const slot = lists_[bin.value];
    if (ZMM_LIKELY(slot != nullptr)) lists_[bin.value] = slot->next;
    return slot;
  }

  ZMM_INLINE void push(bin_index bin, void* block) noexcept {
    lists_[bin.value] = ::new (block) free_slot{lists_[bin.value]};
  }

  /// A slot of the newest run that was never handed out; null: then refill().
  ZMM_INLINE void* bump(bin_index bin) noexcept {
    bin_state& b = bins_[bin.value];
    if (ZMM_UNLIKELY(b.bump == b.end)) return nullptr;
    char* const slot = b.bump;
    b.bump += slot_bytes(bin);
    return slot;
  }

  /// Effects: adds up to `count` slots that are at hand to `list`: of the free list, then of the newest run, in the
  /// order of their addresses.
  void pop_some(bin_index bin, std::size_t count, block_list& list) noexcept {
    std::size_t const before = list.size();
    list.take_front(lists_[bin.value], count);
    count -= list.size() - before;
    std::size_t const fresh = unbumped(bin) < count ? unbumped(bin) : count;
    list.append_run(bins_[bin.value].bump, slot_bytes(bin), fresh);
    bins_[bin.value].bump += fresh * slot_bytes(bin);
  }
  /// Effects: frees all slots of `list`, each of this bin. Complexity: O(1).
  void push_all(bin_index bin, block_list& list) noexcept { list.give_all(lists_[bin.value]); }

  /// Effects: a chain of free slots of this bin, whatever run they are of, becomes its list, and its first slot is
  /// popped. Requires: the list is empty, the chain is not.
  void* adopt(bin_index bin, free_slot* chain) noexcept {
    lists_[bin.value] = chain->next;
    return chain;
  }
  /// Returns: the bin's whole list, which is empty then.
  free_slot* take_list(bin_index bin) noexcept {
    free_slot* const list = lists_[bin.value];
    lists_[bin.value] = nullptr;
    return list;
  }

  /// A slot from the list that the last collection put aside, or of a fresh run; null if there are no pages.
  void* refill(bin_index bin, Layer& pages, admission& asked) noexcept;

  /// Effects: fully free runs give their pages back; empty chunks stay for page_layer::retire_empty(). What is left of
  /// each list becomes its spare. Returns: bytes of pages given back. Complexity: linear in the free slots.
  std::size_t collect(Layer& pages) noexcept;

  /// Whether a collection could find what the last one did not: a slot was freed since.
  bool worth_collecting() const noexcept {
    for (free_slot const* list : lists_) {
      if (list != nullptr) return true;
    }
    return false;
  }

  /// Effects: forgets everything; the pages belong to somebody else now.
  void reset() noexcept { *this = run_bins(); }

  std::size_t carved_bytes() const noexcept { return carved_bytes_; }
  std::size_t carved_slots() const noexcept {
    std::size_t slots = 0;
    for (bin_state const& b : bins_) slots += b.carved;
    return slots;
  }

  /// Adds what is live to `size` and `blocks`; slots adopted from elsewhere count negative, modulo 2^64. Complexity:
  /// linear in the free slots.
  void count_live(std::size_t& size, std::size_t& blocks) const noexcept {
    for (std::uint8_t i = 0; i < bin_count; ++i) {
      std::size_t const live = bins_[i].carved - length(lists_[i]) - length(bins_[i].spare) - unbumped(bin_index{i});
      blocks += live;
      size += live * slot_bytes(bin_index{i});
    }
  }

  /// `adopted`: at most so many slots of other owners' runs are on the lists.
  void verify(Layer const& pages, std::size_t adopted, void const* heap) const noexcept;

private:
  /// What only misses look at; the heads of the free lists lie together, eight to a cache line.
  struct bin_state {
    char* bump = nullptr;        ///< next slot never handed out
    char* end = nullptr;         ///< end of the newest run's slots
    free_slot* spare = nullptr;  ///< free, and seen by the last collection
    std::size_t carved = 0;      ///< slots of all runs
  };

  std::size_t unbumped(bin_index bin) const noexcept {
    return distance(bins_[bin.value].bump, bins_[bin.value].end) / slot_bytes(bin);
  }

  static page_entry& entry_of(void* slot) noexcept { return chunk_type::of(slot)->map[chunk_type::page_of(slot)]; }
  /// The count of the run that `slot` lies in.
  static std::uint16_t& free_slots(void* slot) noexcept {
    return chunk_type::of(slot)->free_slots[chunk_type::page_of(slot) - entry_of(slot).distance()];
  }

  void count_free(bin_index bin) noexcept;
  std::size_t sweep(free_slot*& list, bin_index bin, Layer& pages) noexcept;

  free_slot* lists_[bin_count] = {};  ///< freed since the last collection
  bin_state bins_[bin_count];
  std::size_t carved_bytes_ = 0;  ///< sum over bins of carved * slot
};

template <class Layer, std::size_t MinSlot>
ZMM_NOINLINE void* run_bins<Layer, MinSlot>::refill(bin_index bin, Layer& pages, admission& asked) noexcept {
  bin_state& b = bins_[bin.value];
  if (b.spare != nullptr) {
    lists_[bin.value] = b.spare;
    b.spare = nullptr;
    return pop(bin);
  }
  void* const run = pages.take_pages(layout::pages(bin), 1, asked);
  if (run == nullptr) return nullptr;
  mark_small(*chunk_type::of(run), chunk_type::page_of(run), layout::pages(bin), bin);
  b.carved += layout::slots(bin);
  carved_bytes_ += layout::slots(bin) * slot_bytes(bin);
  b.bump = static_cast<char*>(run) + slot_bytes(bin);
  b.end = static_cast<char*>(run) + layout::slots(bin) * slot_bytes(bin);
  return run;
}

/// Counts the free slots of each run of `bin`.
template <class Layer, std::size_t MinSlot> void run_bins<Layer, MinSlot>::count_free(bin_index bin) noexcept {
  bin_state const& b = bins_[bin.value];
  for (free_slot* slot = lists_[bin.value]; slot != nullptr; slot = slot->next) ++free_slots(slot);
  for (free_slot* slot = b.spare; slot != nullptr; slot = slot->next) ++free_slots(slot);
  if (b.bump != b.end) free_slots(b.bump) = static_cast<std::uint16_t>(free_slots(b.bump) + unbumped(bin));
}

/// Unlinks from `list` the slots of fully free runs, whose pages go back when the first of their slots is met: the
/// others then find a free page. The count of each run that stays is cleared. Returns: bytes of pages given back.
template <class Layer, std::size_t MinSlot>
std::size_t run_bins<Layer, MinSlot>::sweep(free_slot*& list, bin_index bin, Layer& pages) noexcept {
  bin_state& b = bins_[bin.value];
  std::size_t freed = 0;
  free_slot** link = &list;
  for (free_slot* slot = list; slot != nullptr;) {
    free_slot* const next = slot->next;
    bool gone = entry_of(slot).kind() == page_kind::none;
    if (!gone && free_slots(slot) == layout::slots(bin)) {
      std::size_t const distance = entry_of(slot).distance();
      void* const run = chunk_type::of(slot)->page(chunk_type::page_of(slot) - distance);
      if (b.bump != b.end && &free_slots(b.bump) == &free_slots(slot)) b.bump = b.end = nullptr;
      free_slots(slot) = 0;
      pages.give_pages(run, layout::pages(bin), true);
      b.carved -= layout::slots(bin);
      carved_bytes_ -= layout::slots(bin) * slot_bytes(bin);
      freed += layout::pages(bin) * geometry::page_bytes;
      gone = true;
    }
    if (!gone) {
      *link = slot;
      link = &slot->next;
    }
    slot = next;
  }
  *link = nullptr;
  return freed;
}

template <class Layer, std::size_t MinSlot>
ZMM_COLD std::size_t run_bins<Layer, MinSlot>::collect(Layer& pages) noexcept {
  std::size_t freed = 0;
  for (std::uint8_t i = 0; i < bin_count; ++i) {
    bin_index const bin{i};
    bin_state& b = bins_[i];
    free_slot*& list = lists_[i];
    if (list == nullptr) continue;  // the spare slots alone did not make a whole run when they were put aside
    count_free(bin);
    freed += sweep(list, bin, pages) + sweep(b.spare, bin, pages);
    free_slot** link = &list;
    for (; *link != nullptr; link = &(*link)->next) free_slots(*link) = 0;
    *link = b.spare;
    for (; *link != nullptr; link = &(*link)->next) free_slots(*link) = 0;
    if (b.bump != b.end) free_slots(b.bump) = 0;
    b.spare = list;
    list = nullptr;
  }
  return freed;
}

}}}  // namespace zmm::detail

#include <zmm/heap/run_bins_verify.hpp>
