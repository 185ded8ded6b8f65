// Slots of a fresh run that are listed before somebody asks for them.
#pragma once

#include <zmm/blocks/free_links.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// In a heap that frees, a bin's list is empty at random: whether a slot comes off the list or out of the fresh run is a branch
/// that the processor cannot foretell. So there a run is not handed out slot by slot. It is *stopped*, and whenever the list is
/// empty, a few slots go onto it at once. docs/performance.md has what that gives.
inline constexpr std::size_t most_ahead = 16;     ///< slots at once
inline constexpr std::size_t ahead_bytes = 1024;  ///< and their bytes, which are written before they are needed
/// Slots that are handed out before a run is stopped, where nothing is known yet.
inline constexpr std::size_t slots_before_stop = 8;

/// Whether a list of the bin would be worth it.
constexpr bool is_listed_ahead(bin_index bin) noexcept { return slot_bytes(bin) <= ahead_bytes / 2; }

/// Effects: takes the next slots of `fresh`, in its order; all but the first are put in front of `list`. Requires: there are some.
/// Returns: the first one. Complexity: O(1).
template <class Links, class Run>
char* take_ahead(Links& links, Run& fresh, bin_index bin, free_slot*& list) noexcept {
  std::size_t const bytes = slot_bytes(bin);
  std::size_t count = most_ahead;
  while (count * bytes > ahead_bytes && count > 1) count /= 2;
  char* const first = fresh.take(bytes);
  links.hand_out_fresh(first, bin);
  free_slot* const behind = list;
  void* last = nullptr;
  while (--count != 0 && !fresh.empty()) {
    char* const slot = fresh.take(bytes);
    links.wipe_unused(slot, bin);
    free_slot* const next = static_cast<free_slot*>(static_cast<void*>(slot));
    last == nullptr ? static_cast<void>(list = next) : static_cast<void>(links.make(last, bin, next));
    last = slot;
  }
  if (last != nullptr) links.make(last, bin, behind);
  return first;
}

}}}  // namespace zmm::detail
