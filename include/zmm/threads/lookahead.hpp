// Addresses in the free slots of a magazine, so that a thread can fetch them all at once.
#pragma once

#include <zmm/base/annotate.hpp>
#include <zmm/base/size_classes.hpp>
#include <zmm/blocks/free_slot.hpp>

#include <cstring>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The slots of a magazine were last written to by the thread that freed them. If another core takes them one by one, each
/// link is a cache miss, and none can begin before the one in front of it has ended: 64 misses in a row. So the thread
/// that fills a magazine writes the addresses of slots further on into the words behind each slot's link. Whoever takes it
/// prefetches by these words: each round of misses is several times as long as the last.
///
/// Slot i tells of the slots `skipped` + i * told + 1 and on, `told` of them. The words are hints: prefetched, never
/// followed. A slot of 8 bytes has no room for any.
class lookahead {
public:
  constexpr explicit lookahead(bin_index bin) noexcept
      : told_(words(slot_bytes(bin)) - 1), skipped_(told_ == 1 ? 7 : 0) {}

  /// Effects: writes the words of a magazine, whose links are plain. Requires: it has a slot. Complexity: linear in its
  /// slots.
  void write(free_slot* magazine) const noexcept {
    if (told_ == 0) return;
    free_slot *at = magazine, *further = magazine->next;
    for (std::size_t i = 0; i < skipped_ && further != nullptr; ++i) further = further->next;
    for (; further != nullptr; at = at->next) {
      for (std::size_t word = 1; word <= told_ && further != nullptr; ++word, further = further->next)
        std::memcpy(place(at, word), &further, sizeof further);
    }
  }
  /// Effects: prefetches the slots of a magazine of `slots`, for writing. Complexity: linear in its slots.
  ZMM_INLINE void fetch(free_slot const* magazine, std::size_t slots) const noexcept {
    if (told_ == 0) return;
    for (std::size_t i = skipped_ + 1; i < slots && magazine != nullptr; i += told_, magazine = magazine->next) {
      for (std::size_t word = 1; word <= told_; ++word) {
        free_slot* further;
        std::memcpy(&further, place(magazine, word), sizeof further);
        ZMM_PREFETCH_TO_WRITE(further);
      }
    }
  }

private:
  static constexpr std::size_t words(std::size_t slot_bytes) noexcept {
    std::size_t const fit = slot_bytes / sizeof(void*);
    return fit < 8 ? fit : 8;
  }
  static void* place(free_slot const* slot, std::size_t word) noexcept {
    return reinterpret_cast<char*>(const_cast<free_slot*>(slot)) + word * sizeof(void*);
  }

  std::size_t told_, skipped_;
};

}}}  // namespace zmm::detail
