// A word in front of each packed block that says that it is live, and in which bin.
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/hardening/block_keys.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// What binds a packed block to its heap, place and bin, where the options ask for no tag: the bin's random word, exclusive-or
/// the block's address. It takes three instructions to write, because it does not say what size was asked for. A free slot
/// has its link's shadow there instead.
///
/// Members: as block_tags, where both have them.
template <bool Wipes> class live_words {
public:
  void rekey(block_keys const& with, void const* heap) noexcept {
    heap_ = heap;
    link_key_ = with.link;
    std::uint64_t word = with.tag;
    for (std::uint64_t& w : words_) w = word = word * 6364136223846793005U + 1442695040888963407U;
  }

  ZMM_INLINE void write(void* block, bin_index bin, std::size_t /*bytes*/, std::size_t alignment) const noexcept {
    store_word(place(block), word(block, bin, alignment));
  }
  ZMM_INLINE bool is_live(void const* block, bin_index bin, std::size_t /*bytes*/, std::size_t alignment) const noexcept {
    return load_word(place(block)) == word(block, bin, alignment);
  }
  static void end_life(void*, bin_index, std::size_t) noexcept {}  // the shadow takes its place
  /// Effects: zeroes the slot but for shadow and link, if the options say so. What size was asked for is not known.
  static void wipe([[maybe_unused]] void* block, [[maybe_unused]] bin_index bin, std::size_t) noexcept {
    if constexpr (Wipes) zero_bytes(offset(block, 8), opaque(slot_bytes(bin) - 16));
  }
  void check_and_end(void const* block, bin_index bin, std::size_t bytes, std::size_t alignment) const noexcept {
    if (is_live(block, bin, bytes, alignment)) return;
    static_cast<void>(bin_of(block));
    stop({"a block is freed with the size and alignment it was allocated with", block, heap_, slot_bytes(bin)});
  }

  /// The bin of the live block at `block`; stops unless there is one. Complexity: linear in the bins.
  bin_index bin_of(void const* block) const noexcept {
    for (std::uint8_t i = 0; i < bin_count; ++i)
      for (std::size_t const alignment : {16u, 32u})
        if (is_live(block, bin_index{i}, 0, alignment)) return bin_index{i};
    bool const is_free = load_word(place(block)) == link_proof(block, load_link(block), link_key_);
    stop({is_free ? "a freed block is live" : "the word in front of a block is as it was written", block, heap_});
  }

private:
  template <class Void> ZMM_INLINE static Void* place(Void* block) noexcept {
    return reinterpret_cast<Void*>(address_of(block) - 8);
  }
  /// Blocks of larger alignments have lists of their own, and so a word of their own. Addresses have no lowest bit.
  ZMM_INLINE std::uint64_t word(void const* block, bin_index bin, std::size_t alignment) const noexcept {
    return words_[bin.value] ^ address_of(block) ^ std::uint64_t{alignment > 16};
  }

  std::uint64_t words_[bin_count] = {};
  std::uint64_t link_key_ = 0;
  void const* heap_ = nullptr;
};

}}}  // namespace zmm::detail
