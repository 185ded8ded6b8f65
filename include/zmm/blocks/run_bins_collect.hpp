// Runs whose slots are all free again: how they are found, and what is left of the lists.
//
//     collect ─ collect_bin ─ count_list ─ give_run ─ page_layer::give_pages
//                         └─ look_at_fresh ─ give_run
//                         └─ spare_slots::sweep
#pragma once

#include <zmm/blocks/run_bins.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// What was freed since the last collection is counted, and stays counted while it is spare. So a collection looks only
/// at what was freed since the last one, however many slots are free.
template <class Layer, class Links, std::size_t Bins>
template <class ForEachFresh>
ZMM_COLD std::size_t run_bins<Layer, Links, Bins>::collect_bin(bin_index bin, Layer& pages,
                                                               ForEachFresh for_each_fresh) noexcept {
  if (lists_[bin.value] == nullptr)
    return 0;  // the spare slots alone did not make a whole run when they were put aside
  std::size_t bytes = count_list(bin, pages);
  auto const look = [&](fresh_run& fresh) { bytes += look_at_fresh(fresh, bin, pages); };
  look(bins_[bin.value].fresh);
  for_each_fresh(bin, look);
  bins_[bin.value].spare.sweep(links(), bin, pages);
  return bytes;
}

/// Puts the slots of the list aside: chains of what lies in one chunk, so that few links have to be written. The last slot of a
/// run takes its pages back with it; the others stay where they are until the sweep. Returns: bytes of pages given back.
template <class Layer, class Links, std::size_t Bins>
std::size_t run_bins<Layer, Links, Bins>::count_list(bin_index bin, Layer& pages) noexcept {
  std::size_t bytes = 0;
  [[maybe_unused]] std::size_t left = Links::are_plain ? 0 : pages.source().real_size() / slot_bytes(bin);
  std::size_t const fewest = layout::slots(bin, has_short(bin));
  free_slot* slot = lists_[bin.value];
  lists_[bin.value] = nullptr;
  while (slot != nullptr) {
    chunk_type* const c = chunk_type::of(slot);
    free_slot *const first = slot, *last = nullptr;
    do {
      if constexpr (!Links::are_plain) links().check_walk(left--, slot, bin);
      last = slot;
      slot = links().next(last, bin);
      std::size_t const page = chunk_type::page_of(last);
      page_entry const entry = c->map[page];
      std::uint16_t& free = c->free_slots[page - entry.distance()];
      free = static_cast<std::uint16_t>(free + 1);
      if (free >= fewest && free == layout::slots(bin, entry.is_short())) bytes += give_run(last, bin, pages);
    } while (slot != nullptr && chunk_type::of(slot) == c);
    bins_[bin.value].spare.push_chain(links(), bin, c, first, last, pages);
  }
  return bytes;
}

/// Gives back the run that `fresh` is a part of, if all its other slots are free.
template <class Layer, class Links, std::size_t Bins>
std::size_t run_bins<Layer, Links, Bins>::look_at_fresh(fresh_run& fresh, bin_index bin, Layer& pages) noexcept {
  if (fresh.empty() || free_slots(fresh.place()) + fresh.left(slot_bytes(bin)) != slots_beside(fresh.place()))
    return 0;
  std::size_t const bytes = give_run(fresh.place(), bin, pages);
  fresh.close();
  return bytes;
}

/// Gives back the pages of the run that `slot` lies in. Returns: their bytes.
template <class Layer, class Links, std::size_t Bins>
std::size_t run_bins<Layer, Links, Bins>::give_run(void* slot, bin_index bin, Layer& pages) noexcept {
  chunk_type* const c = chunk_type::of(slot);
  void* const run = c->page(chunk_type::page_of(slot) - entry_of(slot).distance());
  std::size_t const count = layout::pages(bin, entry_of(slot).is_short()), slots = slots_beside(slot);
  bins_[bin.value].spare.note_gone(c, free_slots(slot));
  free_slots(slot) = 0;
  bins_[bin.value].fresh.note_gone(run);
  known_runs::forget(run, count);
  if constexpr (counts_drops<geometry>) pages.source().note_drop();
  pages.give_pages(run, count, true);
  carved_[bin.value] -= slots;
  carved_bytes_ -= slots * slot_bytes(bin);
  return count * geometry::page_bytes;
}

template <class Layer, class Links, std::size_t Bins>
free_slot* run_bins<Layer, Links, Bins>::take_chain(bin_index bin, std::size_t most, Layer const& pages,
                                              std::size_t& count) noexcept {
  count = 0;
  free_slot *const list = lists_[bin.value], *last = nullptr, *next = list;
  for (; next != nullptr && count != most; next = links().next(last, bin), ++count) last = next;
  lists_[bin.value] = next;
  free_slot* spare_last = nullptr;
  free_slot* const spare = bins_[bin.value].spare.take(links(), bin, most, pages, spare_last, count);
  if (spare_last != nullptr) links().link(spare_last, bin, nullptr);
  if (last != nullptr) links().link(last, bin, spare);
  return last != nullptr ? list : spare;
}

}}}  // namespace zmm::detail
