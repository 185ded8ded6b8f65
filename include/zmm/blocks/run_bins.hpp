// Floor 3: engines. Includes floors 0 to 2 only.
//
// The bins of a heap: slots carved out of runs of pages.
//
//     pop ─ (list empty) bump ─ (run used up) refill ─ page_layer::take_pages
//     push
#pragma once

#include <zmm/chunk/page_layer.hpp>
#include <zmm/blocks/block_list.hpp>
#include <zmm/blocks/free_links.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Small blocks, by bin. A fresh run is bumped through, so that no slot's memory is touched before it is used; what was
/// freed is linked, last in first out, and reused first.
///
/// Invariants, for each bin:
///     carved == slots of all its runs
///     `fresh` is the part of the newest run that was never handed out
///     every slot of every run is live, on its list, on `spare`, or in `fresh`: live == carved - linked - unbumped
///     the list is empty if nothing was freed, and no spare list taken over, since the last collection
template <class Layer, class Links> class run_bins : Links {
public:
  using geometry = typename Layer::geometry;
  using chunk_type = chunk<geometry>;
  using layout = run_layout<geometry::page_bytes>;
  using fresh_run = typename Links::fresh_run;

  Links& links() noexcept { return *this; }
  Links const& links() const noexcept { return *this; }

  /// The first free slot, or null: then bump().
  ZMM_INLINE void* pop(bin_index bin) noexcept { return links().pop(lists_[bin.value], bin, floor_); }

  ZMM_INLINE void push(bin_index bin, void* block) noexcept { links().push(lists_[bin.value], bin, block); }

  /// Effects: a slot that is free already, and on no list, is on this bin's.
  void put_back(bin_index bin, free_slot* slot) noexcept {
    lists_[bin.value] = links().make(slot, bin, lists_[bin.value]);
  }

  /// A slot of the newest run that was never handed out; null: then refill().
  ZMM_INLINE void* bump(bin_index bin) noexcept {
    bin_state& b = bins_[bin.value];
    if (ZMM_UNLIKELY(b.fresh.empty())) return nullptr;
    char* const slot = b.fresh.take(slot_bytes(bin));
    links().hand_out_fresh(slot, bin);
    return slot;
  }

  /// Effects: adds up to `count` slots that are at hand to `list`: of the free list, then of the newest run, in the
  /// order of their addresses.
  void pop_some(bin_index bin, std::size_t count, block_list& list) noexcept {
    static_assert(Links::are_plain, "a block list has plain links");
    std::size_t const before = list.size();
    list.take_front(lists_[bin.value], count);
    count -= list.size() - before;
    std::size_t const fresh = unbumped(bin) < count ? unbumped(bin) : count;
    list.append_run(bins_[bin.value].fresh.take_many(slot_bytes(bin), fresh), slot_bytes(bin), fresh);
  }
  /// Effects: frees all slots of `list`, each of this bin. Complexity: O(1).
  void push_all(bin_index bin, block_list& list) noexcept { list.give_all(lists_[bin.value]); }

  /// Effects: a chain of free slots of this bin, whatever run they are of, becomes its list, and its first slot is
  /// popped. Requires: the list is empty, the chain is not.
  void* adopt(bin_index bin, free_slot* chain) noexcept {
    lists_[bin.value] = links().next(chain, bin);
    links().hand_out(chain, bin);
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

  /// Effects: from now on pop() finds nothing; what is pushed waits for take_list(). Requires: nothing was carved.
  void forward() noexcept { floor_ = ~std::uintptr_t{0}; }

  /// Effects: forgets everything; the pages belong to somebody else now.
  void reset() noexcept {
    Links const kept = links();
    std::uintptr_t const floor = floor_;
    *this = run_bins();
    links() = kept;
    floor_ = floor;
  }
  /// Whether the slot of this bin was never handed out since its run was taken, as far as the newest run goes.
  bool is_fresh(void const* slot, bin_index bin) const noexcept {
    return bins_[bin.value].fresh.contains(slot, slot_bytes(bin));
  }

  std::size_t carved_bytes() const noexcept { return carved_bytes_; }
  std::size_t carved_slots() const noexcept {
    std::size_t slots = 0;
    for (bin_state const& b : bins_) slots += b.carved;
    return slots;
  }

  /// Adds what is live to `size` and `blocks`; slots adopted from elsewhere count negative, modulo 2^64. `bytes`: no
  /// more than these can be in slots. Complexity: linear in the free slots.
  void count_live(std::size_t& size, std::size_t& blocks, std::size_t bytes) const noexcept {
    for (std::uint8_t i = 0; i < bin_count; ++i) {
      bin_index const bin{i};
      std::size_t const live =
          bins_[i].carved - linked(lists_[i], bin, bytes) - linked(bins_[i].spare, bin, bytes) - unbumped(bin);
      blocks += live;
      size += live * slot_bytes(bin);
    }
  }

  /// `adopted`: at most so many slots of other owners' runs are on the lists.
  void verify(Layer const& pages, std::size_t adopted, void const* heap) const noexcept;

private:
  /// What only misses look at; the heads of the free lists lie together, eight to a cache line.
  struct bin_state {
    fresh_run fresh;             ///< of the newest run: never handed out
    free_slot* spare = nullptr;  ///< free, and seen by the last collection
    std::size_t carved = 0;      ///< slots of all runs
  };

  std::size_t unbumped(bin_index bin) const noexcept { return bins_[bin.value].fresh.left(slot_bytes(bin)); }

  static page_entry& entry_of(void* slot) noexcept { return chunk_type::of(slot)->map[chunk_type::page_of(slot)]; }
  /// The count of the run that `slot` lies in.
  static std::uint16_t& free_slots(void* slot) noexcept {
    return chunk_type::of(slot)->free_slots[chunk_type::page_of(slot) - entry_of(slot).distance()];
  }

  std::size_t linked(free_slot* list, bin_index bin, std::size_t bytes) const noexcept {
    return count_free_slots(links(), list, bin, bytes / slot_bytes(bin));
  }
  /// Visits the slots of both lists, of which there are at most `most` each.
  template <class Visit> void for_each_linked(bin_index bin, std::size_t most, Visit visit) const {
    for_each_free(links(), lists_[bin.value], bin, most, visit);
    for_each_free(links(), bins_[bin.value].spare, bin, most, visit);
  }

  void count_free(bin_index bin, std::size_t most) noexcept;
  std::size_t sweep(free_slot*& list, bin_index bin, std::size_t most, Layer& pages) noexcept;

  /// Where slots begin that may be handed out: 0, or past all of them where the engine forwards its blocks.
  std::uintptr_t floor_ = 0;
  free_slot* lists_[bin_count] = {};  ///< freed since the last collection
  bin_state bins_[bin_count];
  std::size_t carved_bytes_ = 0;  ///< sum over bins of carved * slot
};

template <class Layer, class Links>
ZMM_NOINLINE void* run_bins<Layer, Links>::refill(bin_index bin, Layer& pages, admission& asked) noexcept {
  bin_state& b = bins_[bin.value];
  if (b.spare != nullptr) {
    lists_[bin.value] = b.spare;
    b.spare = nullptr;
    return pop(bin);
  }
  void* const run = pages.take_pages(layout::pages(bin), 1, asked);
  if (run == nullptr) return nullptr;
  if constexpr (!Links::are_plain)
    allow(run, layout::pages(bin) * Layer::geometry::page_bytes);  // slots prove themselves
  mark_small(*chunk_type::of(run), chunk_type::page_of(run), layout::pages(bin), bin);
  b.carved += layout::slots(bin);
  carved_bytes_ += layout::slots(bin) * slot_bytes(bin);
  b.fresh.template open<geometry::page_bytes>(run, bin, links().random());
  char* const slot = b.fresh.take(slot_bytes(bin));
  links().hand_out_fresh(slot, bin);
  return slot;
}

/// Counts the free slots of each run of `bin`.
template <class Layer, class Links> void run_bins<Layer, Links>::count_free(bin_index bin, std::size_t most) noexcept {
  bin_state const& b = bins_[bin.value];
  for_each_linked(bin, most, [](free_slot* slot) { ++free_slots(slot); });
  if (b.fresh.empty()) return;
  free_slots(b.fresh.place()) = static_cast<std::uint16_t>(free_slots(b.fresh.place()) + unbumped(bin));
}

/// Unlinks from `list` the slots of fully free runs, whose pages go back when the first of their slots is met: the
/// others then find a free page. The count of each run that stays is cleared. Returns: bytes of pages given back.
template <class Layer, class Links>
std::size_t run_bins<Layer, Links>::sweep(free_slot*& list, bin_index bin, std::size_t most, Layer& pages) noexcept {
  bin_state& b = bins_[bin.value];
  std::size_t freed = 0;
  free_slot *first = nullptr, *last = nullptr;
  for_each_free(links(), list, bin, most, [&](free_slot* slot) {
    if (entry_of(slot).kind() == page_kind::none) return;
    if (free_slots(slot) == layout::slots(bin)) {
      std::size_t const distance = entry_of(slot).distance();
      void* const run = chunk_type::of(slot)->page(chunk_type::page_of(slot) - distance);
      if (!b.fresh.empty() && &free_slots(b.fresh.place()) == &free_slots(slot)) b.fresh.close();
      free_slots(slot) = 0;
      pages.give_pages(run, layout::pages(bin), true);
      b.carved -= layout::slots(bin);
      carved_bytes_ -= layout::slots(bin) * slot_bytes(bin);
      freed += layout::pages(bin) * geometry::page_bytes;
      return;
    }
    if (last != nullptr) links().link(last, bin, slot);
    else first = slot;
    last = slot;
  });
  if (last != nullptr) links().link(last, bin, nullptr);
  list = first;
  return freed;
}

template <class Layer, class Links> ZMM_COLD std::size_t run_bins<Layer, Links>::collect(Layer& pages) noexcept {
  std::size_t freed = 0;
  std::size_t const bytes = Links::are_plain ? 0 : pages.source().real_size();
  for (std::uint8_t i = 0; i < bin_count; ++i) {
    bin_index const bin{i};
    bin_state& b = bins_[i];
    free_slot*& list = lists_[i];
    if (list == nullptr) continue;  // the spare slots alone did not make a whole run when they were put aside
    std::size_t const most = bytes / slot_bytes(bin);
    count_free(bin, most);
    freed += sweep(list, bin, most, pages) + sweep(b.spare, bin, most, pages);
    free_slot* last = nullptr;
    for_each_free(links(), list, bin, most, [&](free_slot* slot) {
      free_slots(slot) = 0;
      last = slot;
    });
    for_each_free(links(), b.spare, bin, most, [](free_slot* slot) { free_slots(slot) = 0; });
    if (!b.fresh.empty()) free_slots(b.fresh.place()) = 0;
    if (last != nullptr) {
      links().link(last, bin, b.spare);
      b.spare = list;
      list = nullptr;
    }
  }
  return freed;
}

}}}  // namespace zmm::detail

#include <zmm/blocks/run_bins_verify.hpp>
