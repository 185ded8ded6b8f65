// Links between free slots, with a proof beside each.
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/blocks/free_links.hpp>
#include <zmm/hardening/block_keys.hpp>
#include <zmm/hardening/known_runs.hpp>
#include <zmm/hardening/segmented_run.hpp>
#include <zmm/hardening/started_run.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Each free slot has its link, and right beside it a *shadow* of it: the link's bytes reversed, exclusive-or the heap's key
/// and the slot's own address. The two are 16 bytes of one cache line; where Place is front, the shadow comes first. A link
/// that was overwritten, in part or whole, or copied from another slot, does not match its shadow.
/// In a block that is being freed the two words match only if it is free already: so a block freed twice is noticed, however
/// much happened in between, at no cost in memory. Both are cleared when a slot is handed out: they would give the key away.
///
/// Members: as plain_links. A link without its proof goes to the stop handler.
template <class Options, word_place Place> class proven_links {
public:
  static_assert(!Options::check_reuse || (Options::tag_blocks && Options::zero_on_free),
                "zmm: check_reuse builds on tag_blocks and zero_on_free");
  static constexpr bool are_plain = false;
  static constexpr std::size_t front = Place == word_place::front ? 8 : 0;
  /// Whether a word is bound to each small block, which a free compares. Engines that pack know blocks by nothing else.
  static constexpr bool are_bound = Place == word_place::front ? Options::check_frees : Options::tag_blocks;
  using fresh_run = std::conditional_t<Options::random_runs || Options::zero_on_free,
                                       segmented_run<Options::random_runs, Options::zero_on_free>,
                                       std::conditional_t<Options::check_frees && !are_bound, started_run, bump_run>>;
  template <std::size_t PageBytes>
  using known_runs = std::conditional_t<std::is_same_v<fresh_run, started_run>, detail::known_runs<PageBytes>,
                                        plain_links::known_runs<PageBytes>>;

  /// Effects: links from now on are this heap's, with this key; earlier ones are not valid any more.
  void rekey(block_keys const& keys, void const* heap) noexcept {
    key_ = keys.link;
    random_ = keys.seed;
    heap_ = heap;
  }
  /// Bytes to leave out at the start of a fresh region, a multiple of 16.
  std::size_t random_gap() noexcept { return Options::random_runs ? (random() >> 40) % 16 * 16 : 0; }
  std::uint64_t random() noexcept { return random_ = random_ * 6364136223846793005U + 1442695040888963407U; }

  ZMM_INLINE free_slot* pop(free_slot*& head, bin_index bin, std::uintptr_t floor) const noexcept {
    free_slot* const slot = head;
    if (ZMM_UNLIKELY(address_of(slot) <= floor)) return nullptr;
    head = next(slot, bin);
    hand_out(slot, bin);
    return slot;
  }
  /// With check_frees, the block was proved to be live already.
  ZMM_INLINE void push(free_slot*& head, bin_index bin, void* block) const noexcept {
    if constexpr (!Options::check_frees) check_live(block, bin);
    if constexpr (!are_bound && Options::zero_on_free) zero_bytes(block, slot_bytes(bin));
    head = make(block, bin, head);
  }

  /// Effects: the slot does not look free any more, and does not tell the key. Where no block is to see what
  /// was there before, the link goes, too.
  ZMM_INLINE void hand_out(void* slot, [[maybe_unused]] bin_index bin) const noexcept {
    if constexpr (looks_at_reuse) check_zero(slot, bin);
    if constexpr (Options::tag_blocks || Options::zero_on_free) zero_bytes(pair_at(slot), 16);
    else if constexpr (!are_bound) store_word(shadow_of(slot), 0);
  }
  /// The same for one of a fresh run. A block with a word does not look free anyway. One without is looked at when it
  /// is freed: clearing it now spares that a wait for memory that nobody has touched yet.
  ZMM_INLINE void hand_out_fresh([[maybe_unused]] void* slot, [[maybe_unused]] bin_index bin) const noexcept {
    if constexpr (!are_bound) hand_out(slot, bin);
  }
  /// Effects: a slot that nobody had before is as one that was freed. To be called before make().
  ZMM_INLINE void wipe_unused([[maybe_unused]] void* slot, [[maybe_unused]] bin_index bin) const noexcept {
    if constexpr (looks_at_reuse) zero_bytes(pair_at(slot), slot_bytes(bin));
  }
  ZMM_INLINE free_slot* next(free_slot const* slot, bin_index bin) const noexcept {
    if (ZMM_UNLIKELY(!is_free(slot))) stop_at("a free slot's link is as it was written", slot, bin);
    return slot->next;
  }
  ZMM_INLINE void link(free_slot* slot, bin_index bin, free_slot* next) const noexcept { make(slot, bin, next); }
  ZMM_INLINE free_slot* make(void* slot, bin_index, free_slot* next) const noexcept {
    store_word(shadow_of(slot), link_proof(slot, address_of(next), key_));
    return ::new (slot) free_slot{next};
  }

  /// Whether the slot is free: its link and its shadow match.
  ZMM_INLINE bool is_free(void const* slot) const noexcept {
    return load_word(shadow_of(slot)) == link_proof(slot, load_link(slot), key_);
  }
  ZMM_INLINE void check_live(void const* block, bin_index bin) const noexcept {
    if (ZMM_UNLIKELY(is_free(block))) stop_at("a freed block is live", block, bin);
  }
  /// Whether a run of pages is on a list of what is to be freed. There it is linked like a slot of 16 bytes.
  bool is_free_run(void const* run) const noexcept { return is_free(run); }
  void check_walk(std::size_t left, void const* slot, bin_index bin) const noexcept {
    if (ZMM_UNLIKELY(left == 0)) stop_at("a free list ends", slot, bin);
  }

private:
  /// A sanitizer looks by itself, and forbids to read what is free.
  static constexpr bool looks_at_reuse = Options::check_reuse && !under_sanitizer;

  /// Stops unless what is behind link and shadow is zero.
  void check_zero(void* slot, bin_index bin) const noexcept {
    char const* const from = static_cast<char const*>(pair_at(slot)) + 16;
    std::size_t const bytes = slot_bytes(bin) - 16;
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < bytes; i += 8) any |= load_word(from + i);
    if (ZMM_UNLIKELY(any != 0)) stop_at("nobody writes to a block after it was freed", slot, bin);
  }
  template <class Void> ZMM_INLINE static Void* shadow_of(Void* slot) noexcept {
    return reinterpret_cast<Void*>(address_of(slot) + (Place == word_place::end ? 8 : std::uintptr_t{0} - 8));
  }
  /// Where link and shadow begin.
  ZMM_INLINE static void* pair_at(void* slot) noexcept { return reinterpret_cast<char*>(slot) - front; }
  [[noreturn]] ZMM_COLD void stop_at(char const* rule, void const* slot, bin_index bin) const noexcept {
    stop({rule, slot, heap_, slot_bytes(bin)});
  }

  std::uint64_t key_ = 0;
  std::uint64_t random_ = 0;
  void const* heap_ = nullptr;
};

}}}  // namespace zmm::detail
