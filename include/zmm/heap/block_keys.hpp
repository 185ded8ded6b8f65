// The secrets of one heap, and the words that bind a block to it.
#pragma once

#include <zmm/heap/free_links.hpp>
#include <zmm/storage/os_random.hpp>

#include <cstring>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

inline std::uint64_t load_word(void const* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}
inline void store_word(void* at, std::uint64_t word) noexcept { std::memcpy(at, &word, sizeof word); }

/// New ones whenever a heap begins anew, so that nothing of before holds any more.
struct block_keys {
  std::uint64_t link = 0;     ///< of shadows of links
  std::uint64_t tag = 0;      ///< of tags and canaries
  std::uint64_t factor = 1;   ///< odd; spreads each bit of a tag's text over the word
  std::uint64_t inverse = 1;  ///< of the factor, modulo 2^64

  static block_keys draw() noexcept {
    block_keys k;
    k.link = key_maker.next();
    k.tag = key_maker.next();
    k.factor = (k.link >> 32 | k.tag << 32) | 1;
    k.inverse = k.factor;                                               // right in 3 bits
    for (int i = 0; i < 5; ++i) k.inverse *= 2 - k.factor * k.inverse;  // each step doubles them
    return k;
  }
};

/// The place of that word.
template <word_place Place, class Void> ZMM_INLINE Void* word_beside(Void* block, bin_index bin) noexcept {
  std::uintptr_t const at = Place == word_place::end ? slot_bytes(bin) - 8 : std::uintptr_t{0} - 8;
  return reinterpret_cast<Void*>(address_of(block) + at);
}

/// The shadow of a link: the second word of a free slot.
ZMM_INLINE std::uint64_t link_proof(void const* slot, std::uint64_t link, std::uint64_t key) noexcept {
  return __builtin_bswap64(link) ^ key ^ address_of(slot);
}

/// What a tag says of a live block: 20 bits. A word that is no tag made for this address with these keys decodes to
/// more than that, but for one word in 2^44.
class block_tag {
public:
  block_tag(std::size_t bytes, std::size_t alignment) noexcept
      : text_(std::uint64_t{1} << 19 | lowest_bit(alignment) << 12 | bytes) {}
  /// A block that may be freed with any size up to `bytes` that leads to its bin.
  static block_tag resized(std::size_t bytes, std::size_t alignment) noexcept {
    block_tag t(bytes, alignment);
    t.text_ |= std::uint64_t{1} << 18;
    return t;
  }

  std::size_t bytes() const noexcept { return text_ & 4095; }
  std::size_t alignment() const noexcept { return std::size_t{1} << (text_ >> 12 & 15); }
  bool is_resized() const noexcept { return (text_ >> 18 & 1) != 0; }
  /// Whether it is one at all.
  bool is_whole() const noexcept { return text_ >> 19 == 1 && (text_ >> 16 & 3) == 0; }

  std::uint64_t encode(void const* block, block_keys const& k) const noexcept {
    return (text_ * k.factor) ^ k.tag ^ address_of(block);
  }
  static block_tag decode(std::uint64_t word, void const* block, block_keys const& k) noexcept {
    return block_tag((word ^ k.tag ^ address_of(block)) * k.inverse);
  }

private:
  explicit block_tag(std::uint64_t text) noexcept : text_(text) {}
  std::uint64_t text_;
};

/// The eight bytes behind what was asked for, but no sooner than behind the block's first word, which bulk allocation
/// links blocks through; only if the block has room for them. Where not, it stands for the block's tag, so that nothing
/// depends on which it is.
class tail_canary {
public:
  /// The block has `room` bytes and its tag at `tag_place`, which is to be `tag`.
  ZMM_INLINE tail_canary(void* block, std::size_t bytes, std::size_t room, void* tag_place, std::uint64_t tag,
                         block_keys const& k) noexcept {
    std::size_t const from = bytes < 8 ? 8 : bytes;
    bool const fits = from + 8 <= room;
    at_ = fits ? static_cast<char*>(block) + from : tag_place;
    pattern_ = fits ? __builtin_bswap64(k.tag) ^ address_of(block) : tag;
  }
  ZMM_INLINE void write() const noexcept { store_word(at_, pattern_); }
  ZMM_INLINE bool is_whole() const noexcept { return load_word(at_) == pattern_; }

private:
  void* at_;
  std::uint64_t pattern_;
};

}}}  // namespace zmm::detail
