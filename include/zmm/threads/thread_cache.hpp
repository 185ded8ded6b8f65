// What one thread has at hand in a heap for any thread.
//
//     pop ─ (list empty) bump ─ (run stopped) go_on
//     push ─ (look due) look
#pragma once

#include <zmm/blocks/block_classes.hpp>
#include <zmm/blocks/free_links.hpp>
#include <zmm/blocks/slots_ahead.hpp>
#include <zmm/chunk/limit_gate.hpp>
#include <zmm/heap/heap_core.hpp>
#include <zmm/storage/own_record.hpp>
#include <zmm/threads/claim.hpp>
#include <zmm/threads/lookahead.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Slots of a magazine: at most 64, and at most 32 KiB of them.
constexpr std::uint32_t magazine_slots(bin_index bin) noexcept {
  std::uint32_t const fit = 32 * 1024 / static_cast<std::uint32_t>(slot_bytes(bin));
  return fit < 64 ? fit : 64;
}

/// Free slots, by bin: a list that the thread pops from and pushes onto, and the part of a run that was never handed
/// out. It does not matter which thread allocated a slot: slots belong to no thread.
///
/// The length of a list is not counted: a count that each allocation and each free changes would be a second chain of
/// dependent instructions, as long as that of the list's head. Only frees count down to the next *look*, which walks
/// the list; if that has a magazine of slots or more, one magazine is cut off its end and goes to the depot.
///
/// Invariants, for each bin, with m = magazine_slots:
///     length of the list + frees until the next look <= 2 m
///     fresh is the rest of a run whose other slots were handed out or listed
/// Threads: the holder only, except for the list of all caches and the claim.
template <class Options> class thread_cache : public checked_blocks<Options>, public thread_member, run_links<Options> {
public:
  using links_type = run_links<Options>;
  using fresh_run = typename links_type::fresh_run;
  static constexpr std::size_t bins = run_classes<Options>::bins;

  thread_cache() noexcept { clear(); }

  links_type const& links() const noexcept { return *this; }

  /// The first free slot, or null: then bump().
  ZMM_INLINE void* pop(bin_index bin) noexcept { return links().pop(lists_[bin.value], bin, 0); }
  /// Effects: a slot is free. Returns: false, and nothing was read at `block`, if a look is due first.
  ZMM_INLINE bool push(bin_index bin, void* block) noexcept {
    std::size_t left = until_look_[bin.value];
    if (ZMM_UNLIKELY(left-- == 0)) return false;
    links().push(lists_[bin.value], bin, block);
    until_look_[bin.value] = left;
    return true;
  }
  /// A slot that was never handed out; null: then go_on().
  ZMM_INLINE void* bump(bin_index bin) noexcept {
    if (fresh_[bin.value].is_stopped()) return nullptr;
    char* const slot = fresh_[bin.value].take(slot_bytes(bin));
    links().hand_out_fresh(slot, bin);
    return slot;
  }
  /// A slot of a run that has stopped: the next ones are listed. Null: there is no such run. Requires: the list is empty.
  void* go_on(bin_index bin) noexcept {
    if (fresh_[bin.value].empty()) return nullptr;
    static_assert(2 * magazine_slots(bin_index{0}) >= most_ahead);  // as all that are listed ahead
    std::size_t const most = 2 * magazine_slots(bin) - most_ahead;
    if (until_look_[bin.value] > most) until_look_[bin.value] = most;
    return take_ahead(links(), fresh_[bin.value], bin, lists_[bin.value]);
  }

  /// Effects: looks how long the list is; the next push() succeeds. Returns: a magazine cut off its end; null if there
  /// are not enough slots for one. Complexity: linear in a magazine.
  free_slot* look(bin_index bin) noexcept {
    std::size_t const magazine = magazine_slots(bin);
    std::size_t length = 0;
    free_slot *kept = nullptr, *const first = lists_[bin.value];  // kept: the last one in front of a whole magazine
    for (free_slot* slot = first; slot != nullptr; slot = links().next(slot, bin)) {
      if (++length > magazine) kept = kept != nullptr ? links().next(kept, bin) : first;
    }
    until_look_[bin.value] = 2 * magazine - length;
    if (length < magazine) return nullptr;
    until_look_[bin.value] += magazine;
    free_slot* const cut = kept == nullptr ? first : links().next(kept, bin);
    kept == nullptr ? static_cast<void>(lists_[bin.value] = nullptr) : links().link(kept, bin, nullptr);
    if constexpr (looks_ahead) lookahead::write(cut, bin, magazine);
    return cut;
  }

  /// Effects: prefetches the slots of a magazine that some cache has cut off.
  static void fetch(bin_index bin, free_slot* magazine) noexcept {
    if constexpr (looks_ahead) lookahead::fetch(magazine, bin, magazine_slots(bin));
  }
  /// Effects: a chain of at most a magazine becomes the list, which is empty, and its first slot is popped.
  void* adopt(bin_index bin, free_slot* chain) noexcept {
    lists_[bin.value] = chain;
    std::size_t& left = until_look_[bin.value];
    if (left > magazine_slots(bin)) left = magazine_slots(bin);
    return pop(bin);
  }
  /// Effects: this cache takes over a fresh run. Returns: its first slot. Requires: it has none left of the last run.
  void* open(bin_index bin, fresh_run const& run) noexcept {
    fresh_[bin.value] = run;
    bool const frees = until_look_[bin.value] < 2 * magazine_slots(bin);  // or has got slots that somebody freed
    if (!frees || !is_listed_ahead(bin)) return bump(bin);
    fresh_[bin.value].stop_after(slot_bytes(bin), 0);
    return go_on(bin);
  }
  /// Effects: empties the bins from `first` on: calls give(bin, chain) for each chain of free slots. Fresh slots are
  /// linked first.
  template <class Give> void give_all(Give give, std::uint8_t first = 0) noexcept {
    for (std::uint8_t i = first; i < bins; ++i) {
      bin_index const bin{i};
      if (lists_[i] == nullptr && fresh_[i].empty()) continue;
      free_slot* fresh = nullptr;
      while (!fresh_[i].empty()) fresh = links().make(fresh_[i].take(slot_bytes(bin)), bin, fresh);
      if (lists_[i] != nullptr) give(bin, lists_[i]);
      if (fresh != nullptr) give(bin, fresh);
      clear(bin);
    }
  }
  /// Effects: forgets every slot.
  void clear() noexcept {
    for (std::uint8_t i = 0; i < bins; ++i) clear(bin_index{i});
  }
  /// Effects: earlier blocks and links are not valid any more. With encode_links.
  void rekey(block_keys const& with, void const* heap) noexcept {
    static_cast<links_type&>(*this).rekey(with, heap);
    if constexpr (Options::check_frees) this->rekey_blocks(with, heap);
  }

  bool has_handed_out(void const* block, bin_index bin) const noexcept;
  void forget_handed_out() noexcept;
  bool is_fresh(void const* slot, bin_index bin) const noexcept {
    return fresh_[bin.value].contains(slot, slot_bytes(bin));
  }
  std::size_t fresh_slots(bin_index bin) const noexcept { return fresh_[bin.value].left(slot_bytes(bin)); }
  /// Slots of a bin that are free here. Complexity: linear in them.
  std::size_t free_slots(bin_index bin) const noexcept {
    std::size_t count = fresh_slots(bin);
    for_each_linked(bin, [&](free_slot*) { ++count; });
    return count;
  }
  /// Visits each free slot that is linked. Complexity: linear in them.
  template <class Visit> void for_each_linked(bin_index bin, Visit visit) const {
    for_each_free(links(), lists_[bin.value], bin, most_listed(bin), visit);
  }
  fresh_run const& fresh(bin_index bin) const noexcept { return fresh_[bin.value]; }

  void verify(void const* heap) const noexcept {
    for (std::uint8_t i = 0; i < bins; ++i) {
      std::size_t const listed = free_slots(bin_index{i}) - fresh_slots(bin_index{i});
      check(listed + until_look_[i] <= 2 * magazine_slots(bin_index{i}), "a cache's list is looked at in time", this,
            heap);
    }
  }

  limit_gate<Options::encode_calls> gate;  ///< this thread's lifts, and whether it is in the hook
  thread_cache* next_cache = nullptr;      ///< in the heap's list of all caches; never changes
  claim<> holder;

private:
  /// Where nothing else is kept in a free slot, or expected there.
  static constexpr bool looks_ahead =
      links_type::are_plain && !Options::tag_blocks && !Options::zero_on_free && !under_sanitizer;
  static std::size_t most_listed(bin_index bin) noexcept { return 2 * magazine_slots(bin) + 1; }
  void clear(bin_index bin) noexcept {
    lists_[bin.value] = nullptr;
    until_look_[bin.value] = 2 * magazine_slots(bin);
    fresh_[bin.value] = fresh_run();
  }

  free_slot* lists_[bins];
  std::size_t until_look_[bins];
  fresh_run fresh_[bins];
};

}}}  // namespace zmm::detail
