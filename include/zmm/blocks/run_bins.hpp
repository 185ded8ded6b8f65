// Floor 3: small blocks, whichever engine owns them. Includes floors 0 to 3 only.
//
// The bins of a heap: slots carved out of runs of pages.
//
//     pop ─ (list empty) bump ─ (run stopped) go_on ─ (run used up) refill ─ page_layer::take_pages
//     push
#pragma once

#include <zmm/blocks/block_list.hpp>
#include <zmm/blocks/slots_ahead.hpp>
#include <zmm/blocks/spare_slots.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Small blocks, by bin. A fresh run is bumped through, so that no slot's memory is touched before it is used, but for a few
/// in a heap that frees (slots_ahead.hpp); what was freed is linked, last in first out, and reused first.
///
/// Invariants, for each bin:
///     carved == slots of all its runs
///     `fresh` is the part of the newest run that was neither handed out nor listed
///     every slot of every run is live, on its list, on `spare`, or in `fresh`: live == carved - linked - unbumped
///     the list is empty if since the last collection nothing was freed, taken over from the spare list, or listed ahead
/// A run may be carved for a caller of open_run(), who then holds its fresh part.
/// Of a bin above Zend's, the first slots lie in short runs, so that a few blocks of a size take no more pages than they
/// need; and so do slots for which a whole run is refused.
template <class Layer, class Links, std::size_t Bins = most_bins>
class run_bins : Links, Links::template known_runs<Layer::geometry::page_bytes> {
  using known_runs = typename Links::template known_runs<Layer::geometry::page_bytes>;

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

  /// The next slot of the newest run; null: then go_on() if has_fresh(), else refill().
  ZMM_INLINE void* bump(bin_index bin) noexcept {
    bin_state& b = bins_[bin.value];
    if (ZMM_UNLIKELY(b.fresh.is_stopped())) return nullptr;
    char* const slot = b.fresh.take(slot_bytes(bin));
    links().hand_out_fresh(slot, bin);
    return slot;
  }

  /// Whether the newest run has slots left.
  bool has_fresh(bin_index bin) const noexcept { return !bins_[bin.value].fresh.empty(); }
  /// A slot of a run that has stopped. In a heap that frees, the next ones are listed. Requires: has_fresh().
  void* go_on(bin_index bin) noexcept;

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

  /// Returns: the bin's whole list, which is empty then.
  free_slot* take_list(bin_index bin) noexcept {
    free_slot* const list = lists_[bin.value];
    if (list != nullptr) lists_[bin.value] = nullptr;  // else no write: threads may share a heap that is nobody's
    return list;
  }

  /// Effects: the free slots that are linked from `first` to `last`, of this bin, are in front of its list.
  /// Complexity: O(1).
  void push_chain(bin_index bin, free_slot* first, free_slot* last) noexcept {
    links().link(last, bin, lists_[bin.value]);
    lists_[bin.value] = first;
  }
  /// The same for a chain of which only the first slot is known. Complexity: linear in it.
  void give_chain(bin_index bin, free_slot* chain) noexcept {
    free_slot* last = chain;
    while (free_slot* const next = links().next(last, bin)) last = next;
    push_chain(bin, chain, last);
  }
  /// The slot that take_chain() would take first, if it is on the bin's list.
  free_slot* first_free(bin_index bin) const noexcept { return lists_[bin.value]; }
  /// Effects: takes up to `most` free slots off the bin's list, then off its spare one; `count` becomes their number.
  /// Returns: the chain of them, null if there are none. Complexity: linear in `most`.
  free_slot* take_chain(bin_index bin, std::size_t most, Layer const& pages, std::size_t& count) noexcept;

  /// A slot from those that the last collection put aside, or of a fresh run; null if there are no pages.
  void* refill(bin_index bin, Layer& pages, admission& asked) noexcept;
  /// A run of fresh slots, which the caller holds; an empty one if there are no pages. It counts as carved from then
  /// on.
  fresh_run open_run(bin_index bin, Layer& pages, admission& asked) noexcept;

  /// Effects: fully free runs give their pages back; empty chunks stay for page_layer::retire_empty(). What is left of
  /// each list joins its spare. `for_each_fresh(bin, visit)` calls visit(run) for each fresh run of that bin that
  /// others hold, and closes those whose pages go back. Runs that it does not visit stay.
  /// Returns: bytes of pages given back. Complexity: linear in the slots freed since the last collection, and in the
  /// spare slots of that bin in chunks from which a run goes back.
  template <class ForEachFresh>
  std::size_t collect(Layer& pages, ForEachFresh for_each_fresh, std::size_t first = 0) noexcept {
    std::size_t freed = 0;
    for (std::size_t i = first; i < Bins; ++i)
      freed += collect_bin(bin_index{static_cast<std::uint8_t>(i)}, pages, for_each_fresh);
    return freed;
  }
  /// The same for bins from `first` on.
  std::size_t collect_from(std::size_t first, Layer& pages) noexcept { return collect(pages, no_other_fresh{}, first); }
  /// The same for one bin.
  template <class ForEachFresh>
  std::size_t collect_bin(bin_index bin, Layer& pages, ForEachFresh for_each_fresh) noexcept;

  /// Whether a collection could find what the last one did not: a slot was freed since, or listed ahead.
  bool worth_collecting() const noexcept {
    for (std::size_t i = 0; i < Bins; i += 2)  // two at a time: each refusal asks
      if ((address_of(lists_[i]) | address_of(lists_[i + 1])) != 0) return true;
    return false;
  }

  /// Effects: from now on pop() finds nothing; what is pushed waits for take_list(). Requires: nothing was carved.
  void forward() noexcept { floor_ = ~std::uintptr_t{0}; }

  /// Effects: forgets everything, after the pages were given away.
  void reset() noexcept {
    Links const kept = links();
    std::uintptr_t const floor = floor_;
    ::new (static_cast<void*>(this)) run_bins();
    links() = kept;
    floor_ = floor;
  }
  /// Whether the slot lies in this bin's newest run and was neither handed out nor listed since that run was taken.
  bool is_fresh(void const* slot, bin_index bin) const noexcept {
    return bins_[bin.value].fresh.contains(slot, slot_bytes(bin));
  }

  /// Whether it is known, without a look at the map, that a slot of `bin` starts at `block` and was handed out or listed, which its
  /// links tell apart: it lies in the newest run, or in one that is known. Where links are proven and blocks have no tags.
  bool is_known_slot(void const* block, bin_index bin) const noexcept;
  /// Effects: such slots of the block's run are known from now on. Requires: this is the map's entry, and a slot was handed out
  /// there.
  void note_run_of(void const* block, bin_index bin, page_entry of_page) noexcept;

  bool has_runs(bin_index bin) const noexcept { return carved_[bin.value] != 0; }
  std::size_t carved_bytes() const noexcept { return carved_bytes_; }

  /// Adds what is live, or was taken by take_chain() and open_run(), to `size` and `blocks`. `bytes`: an upper bound of
  /// what can be in slots. Complexity: linear in the free slots.
  void count_live(std::size_t& size, std::size_t& blocks, std::size_t bytes) const noexcept {
    for (std::uint8_t i = 0; i < Bins; ++i) {
      bin_index const bin{i};
      std::size_t live = carved_[i] - unbumped(bin);
      for_each_linked(bin, bytes / slot_bytes(bin), [&](free_slot*) { --live; });
      blocks += live;
      size += live * slot_bytes(bin);
    }
  }

  void verify(Layer const& pages, void const* heap) const noexcept;

  /// Calls visit(slot) for each slot that is free here; run_bins_walk.hpp has it. Complexity: linear in them.
  template <class Visit> void for_each_free_slot(Visit visit) const;

private:
  /// What only misses look at; the heads of the free lists lie together, eight to a cache line.
  struct bin_state {
    fresh_run fresh;                  ///< of the newest run: neither handed out nor listed
    spare_slots<Layer, Links> spare;  ///< free, and seen by a collection
  };

  std::size_t unbumped(bin_index bin) const noexcept { return bins_[bin.value].fresh.left(slot_bytes(bin)); }

  /// Whether runs may lie at a chunk's colour: where the gap in front of the first one is too short for blocks of pages.
  static constexpr bool spreads(bin_index bin) noexcept { return Bins > bin_count && bin.value < bin_count; }
  static constexpr bool has_short(bin_index bin) noexcept { return Bins > bin_count && layout::has_short(bin); }
  static page_entry& entry_of(void* slot) noexcept { return spare_slots<Layer, Links>::entry_of(slot); }
  static std::uint16_t& free_slots(void* slot) noexcept { return spare_slots<Layer, Links>::count_of(slot); }

  /// The slots of the run that `slot` lies in.
  static std::size_t slots_beside(void* slot) noexcept {
    page_entry const entry = entry_of(slot);
    return layout::slots(entry.bin(), entry.is_short());
  }

  /// Visits the slots that are free, on the list or spare, at most `most` of each.
  template <class Visit> void for_each_linked(bin_index bin, std::size_t most, Visit visit) const {
    for_each_free(links(), lists_[bin.value], bin, most, visit);
    bins_[bin.value].spare.for_each(links(), bin, most, visit);
  }

  /// Nobody else holds a fresh run.
  struct no_other_fresh {
    template <class Visit> void operator()(bin_index, Visit) const noexcept {}
  };
  /// Effects: looks whether something was freed. The next look is due when twice as much is carved.
  void look() noexcept;
  std::size_t count_list(bin_index bin, Layer& pages) noexcept;
  std::size_t look_at_fresh(fresh_run& fresh, bin_index bin, Layer& pages) noexcept;
  std::size_t give_run(void* slot, bin_index bin, Layer& pages) noexcept;

  /// Slots that a miss takes over from the spare ones at once. Not all of them: the next collection has to count them
  /// again.
  static constexpr std::size_t most_taken_over = 64;
  static constexpr std::size_t first_look = 64 << 10;  ///< bytes carved before the first look at the lists

  /// Slots at or below this address are not handed out: 0, or the highest address where the engine forwards its blocks.
  std::uintptr_t floor_ = 0;
  free_slot* lists_[Bins + Bins % 2] = {};  ///< freed, taken over, or listed ahead since the last collection
  bin_state bins_[Bins];
  std::size_t carved_[Bins] = {};       ///< slots of all runs
  std::size_t carved_bytes_ = 0;        ///< sum over bins of carved * slot
  std::size_t next_look_ = first_look;  ///< carved bytes at which the next look is due
  /// Whether a free slot was seen since reset(). From then on slots are listed ahead. One is enough: if little is freed, what
  /// is listed takes no more than 1 KiB of each bin.
  bool frees_ = false;
};

template <class Layer, class Links, std::size_t Bins>
ZMM_NOINLINE void* run_bins<Layer, Links, Bins>::refill(bin_index bin, Layer& pages, admission& asked) noexcept {
  if (has_fresh(bin)) return go_on(bin);
  bin_state& b = bins_[bin.value];
  if (!b.spare.empty()) {
    frees_ = true;
    std::size_t count = 0;
    lists_[bin.value] = take_chain(bin, most_taken_over, pages, count);
    return pop(bin);
  }
  bool const is_first = carved_[bin.value] == 0;
  fresh_run const opened = open_run(bin, pages, asked);
  if (opened.empty()) return nullptr;
  b.fresh = opened;
  if (!frees_ && carved_bytes_ >= next_look_) look();
  if (is_listed_ahead(bin) && (frees_ || is_first)) b.fresh.stop_after(slot_bytes(bin), frees_ ? 0 : slots_before_stop);
  return b.fresh.is_stopped() ? go_on(bin) : bump(bin);
}

template <class Layer, class Links, std::size_t Bins> ZMM_COLD void run_bins<Layer, Links, Bins>::look() noexcept {
  next_look_ = 2 * carved_bytes_;
  frees_ = worth_collecting();
}

template <class Layer, class Links, std::size_t Bins>
ZMM_NOINLINE void* run_bins<Layer, Links, Bins>::go_on(bin_index bin) noexcept {
  fresh_run& fresh = bins_[bin.value].fresh;
  if (frees_) return take_ahead(links(), fresh, bin, lists_[bin.value]);
  fresh.run_on();
  return bump(bin);
}

template <class Layer, class Links, std::size_t Bins>
typename run_bins<Layer, Links, Bins>::fresh_run run_bins<Layer, Links, Bins>::open_run(bin_index bin, Layer& pages,
                                                                                        admission& asked) noexcept {
  fresh_run opened;
  pages.source().tick();
  growth const expected = asked.growth;
  if (expected == growth::known) asked.growth = growth::none;  // slots do not grow
  bool is_short = has_short(bin) && carved_[bin.value] < layout::slots(bin);
  void* run = pages.take_pages(layout::pages(bin, is_short), layout::alignment(bin), asked, spreads(bin));
  if (run == nullptr && asked.why != refusal::none && !is_short && has_short(bin)) {
    is_short = true;
    run = pages.take_pages(layout::pages(bin, true), layout::alignment(bin), asked);
  }
  asked.growth = expected;
  if (run == nullptr) return opened;
  asked.why = refusal::none;
  std::size_t const count = layout::pages(bin, is_short), slots = layout::slots(bin, is_short);
  if constexpr (!Links::are_plain) allow(run, count * Layer::geometry::page_bytes);  // slots prove themselves
  mark_small(*chunk_type::of(run), chunk_type::page_of(run), count, bin, is_short);
  carved_[bin.value] += slots;
  carved_bytes_ += slots * slot_bytes(bin);
  opened.open(run, bin, slots, links().random());
  return opened;
}

}}}  // namespace zmm::detail

#include <zmm/blocks/run_bins_collect.hpp>
#include <zmm/blocks/run_bins_verify.hpp>
