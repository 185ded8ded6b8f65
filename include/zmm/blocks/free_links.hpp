// How the free slots of a bin are linked.
#pragma once

#include <zmm/base/annotate.hpp>
#include <zmm/base/size_classes.hpp>
#include <zmm/blocks/free_slot.hpp>
#include <zmm/blocks/fresh_run.hpp>

#include <new>
#include <type_traits>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A link is an address and nothing else. Lists of free slots use these members only; another type that has them may
/// store more in each slot. A slot is passed with its bin, because some links do not lie at the slot's start alone.
struct plain_links {
  static constexpr bool are_plain = true;
  static constexpr std::size_t front = 0;  ///< bytes of a slot in front of what is handed out
  using fresh_run = bump_run;
  /// What is known of runs whose slots were freed.
  template <std::size_t> struct known_runs { static void forget(void const*, std::size_t) noexcept {} };
  static std::uint64_t random() noexcept { return 0; }
  template <class Keys> void rekey(Keys const&, void const*) const noexcept {}
  static bool is_free_run(void const*) noexcept { return false; }

  /// Returns: the first slot of the list at `head`, which is taken off; null if the list is empty, or `floor` is not
  /// below its slots.
  ZMM_INLINE free_slot* pop(free_slot*& head, bin_index bin, std::uintptr_t floor) const noexcept {
    free_slot* slot = head;
    if (ZMM_LIKELY(reinterpret_cast<std::uintptr_t>(slot) > floor)) head = next(slot, bin);
    else slot = nullptr;
    return slot;
  }
  /// Effects: `block`, which was live until now, becomes the first slot of the list at `head`.
  ZMM_INLINE void push(free_slot*& head, bin_index, void* block) const noexcept {
    head = ::new (block) free_slot{head};
  }

  /// Effects: hands out a slot that was taken off its list by other means than pop().
  ZMM_INLINE void hand_out(void* /*slot*/, bin_index) const noexcept {}
  /// The same for a slot of a fresh run.
  ZMM_INLINE void hand_out_fresh(void* /*slot*/, bin_index) const noexcept {}
  /// Effects: makes a slot that nobody had before look like one that was freed.
  ZMM_INLINE void wipe_unused(void* /*slot*/, bin_index) const noexcept {}
  /// The slot behind a free slot.
  ZMM_INLINE free_slot* next(free_slot const* slot, bin_index) const noexcept { return slot->next; }
  /// Effects: `next` is behind `slot`, which is free already.
  ZMM_INLINE void link(free_slot* slot, bin_index, free_slot* next) const noexcept { slot->next = next; }
  /// Effects: marks a slot that is on no list as free, with `next` behind it. Returns: the slot.
  ZMM_INLINE free_slot* make(void* slot, bin_index, free_slot* next) const noexcept {
    // A slot that was never handed out may still be forbidden because of what lay here before.
    allow(slot, sizeof(free_slot));
    return ::new (slot) free_slot{next};
  }
};

/// Where the word lies that tells about a slot: a free slot's shadow, a live block's tag.
enum class word_place {
  end,    ///< it is the slot's last word
  front,  ///< it is in front of the block; the slot begins with it
};

/// Links with a proof beside each of them; zmm/hardened.hpp has it.
template <class Options, word_place Place> class proven_links;

/// The links of engines over runs, and of those that pack.
template <class Options>
using run_links = std::conditional_t<Options::encode_links, proven_links<Options, word_place::end>, plain_links>;
template <class Options>
using packed_links =
    std::conditional_t<Options::encode_links,
                       proven_links<Options, Options::check_frees ? word_place::front : word_place::end>, plain_links>;

/// Visits the free slots of the list at `head`, which has at most `most`; the visitor may change the slot it is given.
/// Plain links trust that the list ends. Complexity: linear.
template <class Links, class Visit>
void for_each_free(Links const& links, free_slot* head, bin_index bin, std::size_t most, Visit visit) {
  for (free_slot* slot = head; slot != nullptr;) {
    if constexpr (!Links::are_plain) links.check_walk(most--, slot, bin);
    free_slot* const next = links.next(slot, bin);
    visit(slot);
    slot = next;
  }
}

}}}  // namespace zmm::detail
