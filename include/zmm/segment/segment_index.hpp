// Segments, found by an address in them.
#pragma once

#include <zmm/base/bits.hpp>
#include <zmm/segment/bit_trie.hpp>
#include <zmm/segment/block.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Padding that makes a segment's head as long as the alignment of its first block needs.
template <std::size_t Words> struct segment_rest { std::uint32_t words[Words]; };
template <> struct segment_rest<0> {};

/// What a segment begins with. Behind it lie its blocks, and in its last word the guard.
struct segment : segment_rest<8 / sizeof(void*) * 3 - 3> {
  segment* next;  ///< in the order they were taken
  segment* prev;
  segment* child[2];
  segment* parent;
  std::size_t bytes;    ///< all of it, whole OS pages
  std::size_t reserve;  ///< address space, as storage was asked for
};
/// Bytes of a segment that no block can have: its head, and the guard. The first payload is aligned as segments are.
inline constexpr std::size_t segment_overhead = sizeof(segment) + word_bytes;
static_assert(segment_overhead % block_grain == 0);

/// All segments of a heap, by their addresses: a trie through their heads, which needs no memory and cannot fail.
class segment_index {
  struct by_address {
    // The highest start not above `p` has the least complement that is not below the complement of `p`.
    static std::size_t key(segment const* s) noexcept { return ~address_of(s); }
    static segment* follow(segment* link) noexcept { return link; }
  };
  using trie = bit_trie<segment, by_address>;
  static constexpr std::size_t first_bit = ~(~std::size_t{0} >> 1);

public:
  void insert(segment* s) noexcept { trie::insert(root_, s, first_bit, {}); }
  void remove(segment* s) noexcept {
    trie::remove(root_, s, {});
    last_ = nullptr;
  }

  /// The segment that `p` points into; null if there is none. Does not read what `p` points to. Complexity: O(bits of
  /// an address).
  segment* find(void const* p) const noexcept {
    if (last_ != nullptr && distance(last_, p) < last_->bytes) return last_;
    segment* const s = trie::lower_bound(root_, ~address_of(p), first_bit, {});
    return s != nullptr && distance(s, p) < s->bytes ? last_ = s : nullptr;
  }

private:
  segment* root_ = nullptr;
  mutable segment* last_ = nullptr;  ///< the one found last: most look-ups are for the same one
};

}}}  // namespace zmm::detail
