// Slots of a fresh run that are listed before somebody asks for them.
#pragma once

#include <zmm/blocks/free_links.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// In a heap that frees, a bin's list is empty at random: whether a slot comes off the list or out of the fresh run is a branch
/// that the processor cannot foretell. So there the owner *stops* a run: its slots are not handed out one by one any more, but
/// a few go onto the list whenever that is empty. docs/performance.md has what that gives.
inline constexpr std::size_t most_ahead = 16;  ///< slots at once
/// Slots of a bin's first run that are handed out one by one before the owner looks whether the heap frees.
inline constexpr std::size_t slots_before_stop = 8;

/// How many slots are taken at once: 1 KiB of them, which are written to before they are needed; 1: none is listed, because
/// two or three of a bin are not worth the way there.
constexpr std::size_t slots_at_once(bin_index bin) noexcept {
  return slot_bytes(bin) <= 64 ? most_ahead : slot_bytes(bin) <= 128 ? 8 : slot_bytes(bin) <= 256 ? 4 : 1;
}
constexpr bool is_listed_ahead(bin_index bin) noexcept { return slots_at_once(bin) != 1; }

/// Effects: takes the next slots of `fresh`, in its order; all but the first are put in front of `list`. Requires: there are some.
/// Returns: the first one. Complexity: O(1).
template <class Links, class Run>
char* take_ahead(Links& links, Run& fresh, bin_index bin, free_slot*& list) noexcept {
  char* const first = fresh.take(slot_bytes(bin));
  links.hand_out_fresh(first, bin);
  free_slot* const behind = list;
  void* last = nullptr;
  for (std::size_t left = slots_at_once(bin); --left != 0 && !fresh.empty();) {
    void* const slot = fresh.take(slot_bytes(bin));
    links.wipe_unused(slot, bin);
    auto* const next = static_cast<free_slot*>(slot);
    last == nullptr ? static_cast<void>(list = next) : static_cast<void>(links.make(last, bin, next));
    last = slot;
  }
  if (last != nullptr) links.make(last, bin, behind);
  return first;
}

}}}  // namespace zmm::detail
