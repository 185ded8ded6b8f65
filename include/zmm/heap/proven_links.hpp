// Free slots that prove themselves.
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/heap/block_keys.hpp>
#include <zmm/heap/free_links.hpp>
#include <zmm/heap/scattered_run.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Each free slot has its link, and a *shadow* of it: the link's bytes reversed, with the heap's key and the slot's own
/// address. A link that was overwritten, in part or whole, or copied from another slot, does not go with its shadow.
/// Both of a block that is freed go together only if it is free already: so a block freed twice is noticed, however
/// much happened in between, at no cost in memory. A slot loses its shadow when it is handed out.
///
/// Members: as plain_links. What does not hold goes to the stop handler.
template <class Options, word_place Place> class proven_links {
public:
  static constexpr bool are_plain = false;
  static constexpr std::size_t front = Place == word_place::front ? 8 : 0;
  using fresh_run = std::conditional_t<Options::random_runs, scattered_run, bump_run>;

  /// Effects: links from now on are this heap's, with this key; those of before do not hold.
  void rekey(std::uint64_t key, void const* heap) noexcept {
    key_ = key;
    random_ = key;
    heap_ = heap;
  }
  /// Bytes of a fresh region to leave out, a multiple of 16.
  std::size_t random_gap() noexcept { return Options::random_runs ? (random() >> 40) % 16 * 16 : 0; }
  std::uint64_t random() noexcept { return random_ = random_ * 6364136223846793005U + 1442695040888963407U; }

  ZMM_INLINE free_slot* pop(free_slot*& head, bin_index bin) const noexcept {
    free_slot* const slot = head;
    if (ZMM_LIKELY(slot != nullptr)) {
      head = next(slot, bin);
      hand_out(slot, bin);
    }
    return slot;
  }
  /// A tagged block's tag was compared already.
  ZMM_INLINE void push(free_slot*& head, bin_index bin, void* block) const noexcept {
    if constexpr (!Options::tag_blocks) check_live(block, bin);
    wipe(block, bin);
    head = make(block, bin, head);
  }

  /// A tagged block loses the shadow to its tag, which the engine writes.
  ZMM_INLINE void hand_out(void* slot, bin_index bin) const noexcept {
    if constexpr (!Options::tag_blocks) forget(slot, bin);
  }
  /// Effects: the slot does not look free any more.
  ZMM_INLINE void forget(void* slot, bin_index bin) const noexcept { store_word(shadow_of(slot, bin), 0); }
  ZMM_INLINE free_slot* next(free_slot const* slot, bin_index bin) const noexcept {
    if (ZMM_UNLIKELY(!is_free(slot, bin))) stop_at("a free slot's link is as it was written", slot, bin);
    return slot->next;
  }
  ZMM_INLINE void link(free_slot* slot, bin_index bin, free_slot* next) const noexcept { make(slot, bin, next); }
  ZMM_INLINE free_slot* make(void* slot, bin_index bin, free_slot* next) const noexcept {
    store_word(shadow_of(slot, bin), link_proof(slot, address_of(next), key_));
    return ::new (slot) free_slot{next};
  }

  /// Whether the slot is free: its link and its shadow go together.
  ZMM_INLINE bool is_free(void const* slot, bin_index bin) const noexcept {
    return load_word(shadow_of(slot, bin)) == link_proof(slot, load_word(slot), key_);
  }
  ZMM_INLINE void check_live(void const* block, bin_index bin) const noexcept {
    if (ZMM_UNLIKELY(is_free(block, bin))) stop_at("a freed block is live", block, bin);
  }
  /// Effects: the block's bytes are zero, if the options say so.
  ZMM_INLINE void wipe(void* block, bin_index bin) const noexcept {
    if constexpr (Options::zero_on_free) zero_bytes(block, slot_bytes(bin) - front);
  }
  /// Whether a run of pages is on its way home: there it is linked like a slot of 16 bytes.
  bool is_free_run(void const* run) const noexcept { return is_free(run, bin_index{1}); }
  void check_walk(std::size_t left, void const* slot, bin_index bin) const noexcept {
    if (ZMM_UNLIKELY(left == 0)) stop_at("a free list ends", slot, bin);
  }

private:
  template <class Void> ZMM_INLINE static Void* shadow_of(Void* slot, bin_index bin) noexcept {
    return word_beside<Place>(slot, bin);
  }
  [[noreturn]] ZMM_COLD void stop_at(char const* rule, void const* slot, bin_index bin) const noexcept {
    stop({rule, slot, heap_, slot_bytes(bin)});
  }

  std::uint64_t key_ = 0;
  std::uint64_t random_ = 0;
  void const* heap_ = nullptr;
};

}}}  // namespace zmm::detail
