// The secrets of one heap, and the words that bind a block to it.
#pragma once

#include <zmm/blocks/free_links.hpp>
#include <zmm/storage/os_random.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

inline std::uint64_t load_word(void const* at) noexcept {
  std::uint64_t word;
  __builtin_memcpy(&word, at, sizeof word);
  return word;
}
/// The link that lies there.
inline std::uint64_t load_link(void const* at) noexcept {
  std::uintptr_t link;
  __builtin_memcpy(&link, at, sizeof link);
  return link;
}
inline void store_word(void* at, std::uint64_t word) noexcept { __builtin_memcpy(at, &word, sizeof word); }

/// A heap draws new keys at each release(): words made with the old ones are not valid any more.
struct block_keys {
  std::uint64_t link = 0;    ///< of shadows of links
  std::uint64_t tag = 0;     ///< of tags and canaries
  std::uint64_t factor = 1;  ///< odd; spreads each bit of a tag's text over the word
  std::uint64_t seed = 0;    ///< for what is random but not secret: where blocks lie

  static block_keys draw() noexcept {
    std::uint64_t const first = key_maker.claim(3);
    block_keys k;
    k.link = key_maker.key(first);
    k.tag = key_maker.key(first + 1);
    k.seed = key_maker.key(first + 2);
    k.factor = (k.link >> 32 | k.tag << 32) | 1;
    return k;
  }
  /// The inverse of the factor, modulo 2^64.
  std::uint64_t inverse() const noexcept {
    std::uint64_t i = factor;                         // right in its lowest 3 bits
    for (int n = 0; n < 5; ++n) i *= 2 - factor * i;  // each step doubles their number
    return i;
  }
};

/// The shadow of a link: the second word of a free slot.
ZMM_INLINE std::uint64_t link_proof(void const* slot, std::uint64_t link, std::uint64_t key) noexcept {
  return __builtin_bswap64(link) ^ key ^ address_of(slot);
}

/// What a tag says of a live block, in 33 bits: 15 of its bytes, 16 of its alignment, one of which is set, whether it was
/// resized, and that it is live. A word that is no tag made for this address with these keys decodes to something else,
/// except one word in 2^43.
class block_tag {
public:
  block_tag(std::size_t bytes, std::size_t alignment) noexcept
      : text_(std::uint64_t{1} << 32 | std::uint64_t{alignment} << 15 | bytes) {}
  /// A block that may be freed with any size up to `bytes` that leads to its bin.
  static block_tag resized(std::size_t bytes, std::size_t alignment) noexcept {
    block_tag t(bytes, alignment);
    t.text_ |= std::uint64_t{1} << 31;
    return t;
  }

  std::size_t bytes() const noexcept { return text_ & 0x7FFF; }
  std::size_t alignment() const noexcept { return text_ >> 15 & 0xFFFF; }
  bool is_resized() const noexcept { return (text_ >> 31 & 1) != 0; }
  /// Whether it is a tag at all.
  bool is_whole() const noexcept { return text_ >> 32 == 1 && is_power_of_two(alignment()); }

  std::uint64_t encode(void const* block, block_keys const& k) const noexcept {
    return (text_ * k.factor) ^ k.tag ^ address_of(block);
  }
  /// `inverse`: the keys'.
  static block_tag decode(std::uint64_t word, void const* block, block_keys const& k, std::uint64_t inverse) noexcept {
    return block_tag((word ^ k.tag ^ address_of(block)) * inverse);
  }

private:
  explicit block_tag(std::uint64_t text) noexcept : text_(text) {}
  std::uint64_t text_;
};

/// A pattern in the eight bytes behind what was asked for, and behind the block's first word, through which bulk
/// allocation links blocks. If the block has no room for it, the block's tag takes its place, so that no caller has to
/// know which of the two it is.
class tail_canary {
public:
  /// The block has `room` bytes; its tag is `tag`, at `tag_place`.
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
