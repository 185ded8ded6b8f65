// Blocks of a segment heap: one word in front of each, and where a free one keeps what links it.
//
//     live   | word | payload ............................ |
//     free   | word | next | prev | (trie links) .... size |
//
// The word is the block's true size, itself included, and three flags. The size of a free block stands in its last word
// as well, so that the block behind it finds its start.
#pragma once

#include <zmm/base/bits.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// 64 bits on every machine: so there is one layout, and room for a seal.
using block_word = std::uint64_t;
inline constexpr std::size_t word_bytes = sizeof(block_word);
/// True sizes are multiples of this, and payloads are aligned to it.
inline constexpr std::size_t block_grain = 2 * word_bytes;
/// The smallest true size: what a free block needs for its word, its links and its size.
inline constexpr std::size_t least_block = 4 * word_bytes;
/// No block is larger: no address space holds more, and sums of a few such sizes do not wrap.
inline constexpr std::size_t largest_block = ~std::size_t{0} >> 4;

namespace block_flag {
inline constexpr std::size_t used = 1;         ///< in use: live, in the cache, or the reserve
inline constexpr std::size_t before_used = 2;  ///< the block in front is in use, or there is none
inline constexpr std::size_t guard = 4;        ///< of a used one: the end of a segment; of a free one: it is a rest
inline constexpr std::size_t all = 7;
}  // namespace block_flag
static_assert(block_grain > block_flag::all);

/// A block, at its word. The word of the guard that ends a segment holds the segment's size.
struct heap_block {
  block_word word;

  void* payload() noexcept { return this + 1; }
  static heap_block* of(void const* payload) noexcept {
    return static_cast<heap_block*>(const_cast<void*>(payload)) - 1;
  }
  /// What lies `bytes` behind, or in front.
  heap_block* at(std::size_t bytes) noexcept { return reinterpret_cast<heap_block*>(address_of(this) + bytes); }
  heap_block* before(std::size_t bytes) noexcept { return reinterpret_cast<heap_block*>(address_of(this) - bytes); }
};

/// A free block of a list.
struct listed_block : heap_block {
  listed_block* next;
  listed_block* prev;  ///< null: the first
};

/// A free block that is large enough for a place in a trie.
struct trie_block : listed_block {
  trie_block* child[2];
  trie_block* parent;     ///< null: the root; itself: on the list of one of equal size, which is in the trie
  std::size_t is_purged;  ///< its whole pages were purged and not used since
};

inline std::size_t size_in(std::size_t word) noexcept { return word & ~block_flag::all; }

/// The true size of a block with `usable` bytes of payload. Requires: usable <= largest_block.
ZMM_INLINE constexpr std::size_t true_size(std::size_t usable) noexcept {
  std::size_t const size = align_up(usable + word_bytes, block_grain);
  return size < least_block ? least_block : size;
}

// The original's exact buckets: 32 of them, eight bytes apart, for true sizes under 272. With words of eight bytes only
// every second one is ever used.
inline constexpr std::size_t bucket_count = 32;
inline constexpr std::size_t least_bucket_bytes = 16;  ///< the original's smallest header
inline constexpr std::size_t small_sizes_end = least_bucket_bytes + bucket_count * 8;
static_assert(small_sizes_end == 272 && sizeof(trie_block) + word_bytes <= small_sizes_end);

/// Requires: size < small_sizes_end.
ZMM_INLINE constexpr std::size_t bucket_of(std::size_t size) noexcept {
  return (size >> 3) - (least_bucket_bytes >> 3);
}
ZMM_INLINE constexpr bool is_bucketed(std::size_t size) noexcept { return size < small_sizes_end; }

/// The tries: one for each highest bit of a true size.
inline constexpr std::size_t trie_count = 8 * word_bytes;
constexpr std::size_t trie_of(std::size_t size) noexcept { return highest_bit(size); }

}}}  // namespace zmm::detail
