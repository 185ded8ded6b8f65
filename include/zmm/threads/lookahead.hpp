// Addresses in the free slots of a magazine, so that a thread can fetch them all at once.
#pragma once

#include <zmm/base/size_classes.hpp>
#include <zmm/blocks/free_slot.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The slots of a magazine were last written to by the thread that freed them. If another core takes them one by one, each
/// link is a cache miss, and none can begin before the one in front of it has ended: 64 misses in a row. So the thread
/// that fills a magazine writes the addresses of slots further on into the words behind each slot's link. Whoever takes it
/// prefetches by these words: each round of misses is several times as long as the last.
///
/// The words tell of the magazine's second slot and all behind it, in order. They are hints: prefetched, never followed. Slots
/// of 8 and 16 bytes have no room for more than the next one, which the link tells already.
struct lookahead {
  /// Effects: writes the words of a magazine of `slots`, whose links are plain. Complexity: linear in them.
  static void write(free_slot* magazine, bin_index bin, std::size_t slots) noexcept {
    free_slot* told = magazine;
    for_each_word(magazine, bin, slots, [&](free_slot** word) { told = *::new (word) free_slot*{told->next}; });
  }
  /// Effects: prefetches the slots of a magazine of at most `slots`, for writing. Complexity: linear in them.
  static void fetch(free_slot* magazine, bin_index bin, std::size_t slots) noexcept {
    for_each_word(magazine, bin, slots, [](free_slot* const* word) { ZMM_PREFETCH_TO_WRITE(*word); });
  }

private:
  /// Calls visit(word) for each word but the links.
  template <class Visit>
  ZMM_INLINE static void for_each_word(free_slot* at, bin_index bin, std::size_t slots, Visit visit) noexcept {
    std::size_t const last = (slot_bytes(bin) < 64 ? slot_bytes(bin) : 64) / sizeof(void*) - 1;
    for (std::size_t told = 1, word = 1; last > 1 && told < slots && at != nullptr; ++told) {
      visit(reinterpret_cast<free_slot**>(at) + word);
      if (word == last) at = at->next;
      word = word == last ? 1 : word + 1;
    }
  }
};

}}}  // namespace zmm::detail
