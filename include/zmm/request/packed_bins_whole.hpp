// The bins of a request as a whole: what is live, what is free, and what goes.
#pragma once

#include <zmm/request/packed_bins.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A request frees, if a quarter of its blocks are of bins that have a free one.
template <class Links> ZMM_NOINLINE void packed_bins<Links>::look_at_lists() noexcept {
  std::size_t all = 0, of_freeing = 0;
  for (std::size_t i = 0; i < bin_count; ++i) {
    all += bins_.carved[i];
    of_freeing += bins_.lists[i] != nullptr ? bins_.carved[i] : 0;
  }
  in_batches_ = all != 0 && 4 * of_freeing >= all;
  next_look_ = 2 * carved_bytes();
  set_stop();
}

template <class Links> bool packed_bins<Links>::is_look_due(bool unchanged, bool dead_counts) noexcept {
  bin_set const* const set = !witness_.is_set() ? nullptr : witness_.wide() ? wide_ : &bins_;
  if (set == nullptr) return true;
  std::size_t const bin = witness_.bin().value;
  return witness_.is_look_due(links(), set->lists[bin], set->carved[bin], unchanged, dead_counts);
}

template <class Links> void packed_bins<Links>::end_look(std::size_t free) noexcept {
  if (!witness_.is_set()) return;
  witness_.mark(links(), (witness_.wide() ? *wide_ : bins_).lists[witness_.bin().value], free);
}

template <class Links> void packed_bins<Links>::count_live(std::size_t& size, std::size_t& blocks) const noexcept {
  for_each_bin([&](bin_index bin, free_slot* list, std::size_t carved) {
    std::size_t live = carved;
    for_each_free(links(), list, bin, carved, [&](free_slot*) { --live; });
    blocks += live;
    size += live * slot_bytes(bin);
  });
}

template <class Links> std::size_t packed_bins<Links>::block_bytes() const noexcept {
  std::size_t bytes = 0;
  for_each_bin([&](bin_index bin, free_slot const*, std::size_t carved) { bytes += carved * slot_bytes(bin); });
  return bytes;
}

template <class Links> std::size_t packed_bins<Links>::sum_of_heads() const noexcept {
  std::size_t sum = 0;
  for_each_bin([&](bin_index, free_slot const* list, std::size_t) { sum = sum * 3 + address_of(list); });
  return sum;
}

template <class Links> template <class Visit> void packed_bins<Links>::look(Visit visit) noexcept {
  witness_.forget();
  std::uint8_t seen = 0;
  for_each_bin([&](bin_index bin, free_slot* list, std::size_t carved) {
    bool const wide = seen++ >= bin_count;
    std::size_t length = 0;
    for_each_free(links(), list, bin, carved, [&](free_slot* slot) {
      ++length;
      visit(static_cast<void const*>(slot), std::size_t{slot_bytes(bin)});
    });
    if (carved != 0) witness_.offer(bin, wide, carved - length, length);
  });
}

template <class Links>
template <class IsGone>
std::size_t packed_bins<Links>::forget_free_blocks(IsGone is_gone, std::size_t& blocks) noexcept {
  return forget_in(bins_, is_gone, blocks) + (wide_ != nullptr ? forget_in(*wide_, is_gone, blocks) : 0);
}

/// A block that is forgotten does not look free any more, because the block that is carved there next was never freed.
template <class Links>
template <class IsGone>
std::size_t packed_bins<Links>::forget_in(bin_set& set, IsGone is_gone, std::size_t& blocks) noexcept {
  std::size_t bytes = 0;
  for (std::uint8_t i = 0; i < bin_count; ++i) {
    bin_index const bin{i};
    std::size_t gone = 0;
    free_slot *first = nullptr, *last = nullptr;
    bool cut = false;
    for_each_free(links(), set.lists[i], bin, set.carved[i], [&](free_slot* slot) {
      if (is_gone(static_cast<void const*>(slot))) {
        links().hand_out(slot, bin);
        ++gone;
        cut = true;
        return;
      }
      if (last == nullptr) first = slot;
      else if (cut) links().link(last, bin, slot);
      last = slot;
      cut = false;
    });
    if (gone == 0) continue;
    if (witness_.is(bin, &set == wide_)) witness_.shorten(gone);
    if (last != nullptr && cut) links().link(last, bin, nullptr);
    set.lists[i] = first;
    set.carved[i] -= gone;
    bytes += gone * slot_bytes(bin);
    blocks -= gone;
  }
  return bytes;
}

template <class Links>
template <class Visit>
void packed_bins<Links>::verify(Visit visit, void const* heap) const noexcept {
  for_each_bin([&](bin_index bin, free_slot* list, std::size_t carved) {
    std::size_t count = 0;
    for (free_slot* slot = list; slot != nullptr; slot = links().next(slot, bin)) {
      check(++count <= carved, "a free list ends", slot, heap);
      check(is_aligned(slot, slot_bytes(bin) % 16 == 0 ? 16 : 8), "a free block is aligned", slot, heap);
      visit(static_cast<void*>(reinterpret_cast<char*>(slot) - Links::front), slot_bytes(bin));
    }
  });
  check(cursor_ >= begin_ && (cursor_ <= end_ || floor_ != 0), "the cursor lies in the open slab", cursor_, heap);
}

}}}  // namespace zmm::detail
