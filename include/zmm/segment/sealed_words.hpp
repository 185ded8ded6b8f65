// Words in front of blocks, sealed; and what else hardened segment heaps check.
#pragma once

#include <zmm/hardening/block_keys.hpp>
#include <zmm/segment/block_words.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The word in front of a block is multiplied, mixed with a key and with its own address: a word that anything else
/// wrote, or that was copied from elsewhere, decodes to a valid one with a chance of one in 2^20. The last word of a
/// live block is a tag, sealed likewise, that says what was asked for. A free block has its size there, so no tag
/// outlives its block. What lies between the block's bytes and its tag is filled and compared. A caller's pointer is
/// looked up before anything is read there, and so is a link between free blocks before it is followed.
template <class Options> class block_words<Options, true> {
public:
  static constexpr std::size_t overhead = 2 * word_bytes;
  static constexpr bool are_plain = false;

  explicit block_words(segment_index const& index) noexcept : index_(&index) {}
  void rekey(void const* heap) noexcept {
    heap_ = heap;
    keys_ = block_keys::draw();
    inverse_ = keys_.inverse();
  }

  ZMM_INLINE std::size_t load(heap_block const* b) const noexcept {
    std::uint64_t const text = decoded(b);
    if (ZMM_UNLIKELY(!is_word(text))) stop_at("the word in front of a block is as it was written", b);
    return static_cast<std::size_t>(text & word_mask);
  }
  ZMM_INLINE void store(heap_block* b, std::size_t word) const noexcept {
    b->word = (word | word_mark) * keys_.factor ^ keys_.link ^ address_of(b);
  }
  void erase(heap_block* b) const noexcept { b->word = 0; }
  void wipe_links(heap_block* b, std::size_t size) const noexcept {
    if constexpr (Options::zero_on_free) {
      b->at(size - word_bytes)->word = 0;
      zero_bytes(b->payload(), (size < sizeof(trie_block) ? size : sizeof(trie_block)) - word_bytes);
    }
  }
  /// A block as long as a segment is not wiped here: it goes back to storage.
  void wipe(heap_block* b, std::size_t size) const noexcept {
    if constexpr (Options::zero_on_free) {
      if (size < Options::segment_bytes) zero_bytes(b->payload(), size - word_bytes);
    }
  }

  template <class Block> Block* follow(Block* link) const noexcept {
    if (link == nullptr) return link;
    if (!is_block(link) || (decoded(link) & block_flag::used) != 0)
      stop_at("the links of free blocks lead to free blocks", link);
    return link;
  }

  /// What a tag says. Resized: the block may be freed with any size up to `bytes`.
  struct live_text {
    std::size_t bytes, alignment;
    bool is_resized;
  };
  ZMM_INLINE void hand_out(heap_block* b, std::size_t bytes, std::size_t alignment) const noexcept {
    write_tag(b, {bytes != 0 ? bytes : 1, alignment, false});
  }
  ZMM_COLD live_text begin_resize(heap_block* b, std::size_t bytes) const noexcept {
    live_text const live = checked(b, bytes, 0);
    tag_of(b) = 0;
    return live;
  }
  void revive(heap_block* b, live_text live) const noexcept { write_tag(b, live); }
  void revive_resized(heap_block* b, live_text live) const noexcept {
    write_tag(b, {size_in(load(b)) - overhead, live.alignment, true});
  }

  heap_block* named(void const* payload) const noexcept {
    heap_block* const b = heap_block::of(payload);
    if (ZMM_UNLIKELY(!is_in_segment(b))) stop_at("a freed block lies in memory of this heap", b);
    if (ZMM_UNLIKELY(!is_block(b) || (decoded(b) & (block_flag::used | block_flag::guard)) != block_flag::used))
      stop_at("a freed block is live, and starts where it was allocated", b);
    return b;
  }
  ZMM_INLINE void end_life(heap_block* b, std::size_t bytes, std::size_t alignment) const noexcept {
    checked(b, bytes, alignment);
    tag_of(b) = 0;
    wipe(b, size_in(load(b)));
  }
  std::size_t usable_size(heap_block const* b) const noexcept { return checked(b, unknown_size, 0).bytes; }
  bool is_live(heap_block const* b) const noexcept { return text_of(b) != 0; }

  ZMM_INLINE void push(free_slot*& head, heap_block* b) const noexcept {
    auto* const slot = ::new (b->payload()) free_slot{head};
    store_word(slot + 1, link_proof(slot, address_of(head), keys_.link));
    head = slot;
  }
  ZMM_INLINE heap_block* pop(free_slot*& head) const noexcept {
    free_slot* const slot = head;
    head = next(slot);
    zero_bytes(slot, 2 * word_bytes);  // they would give the key away
    return heap_block::of(slot);
  }
  ZMM_INLINE free_slot* next(free_slot const* slot) const noexcept {
    if (ZMM_UNLIKELY(load_word(slot + 1) != link_proof(slot, load_link(slot), keys_.link)))
      stop_at("a free block's link is as it was written", heap_block::of(slot));
    return slot->next;
  }

  [[noreturn]] ZMM_COLD void stop_at(char const* rule, heap_block const* b) const noexcept {
    stop({rule, b + 1, heap_});
  }
  void const* heap() const noexcept { return heap_; }

private:
  static constexpr std::uint64_t word_mark = std::uint64_t{1} << 44, word_mask = word_mark - 1;
  static constexpr std::uint64_t tag_mark = std::uint64_t{1} << 51;

  static bool is_word(std::uint64_t text) noexcept { return text >> 44 == 1; }
  std::uint64_t decoded(heap_block const* b) const noexcept {
    return (b->word ^ keys_.link ^ address_of(b)) * inverse_;
  }
  /// Whether a block's word may be read there. The index is searched unless the segment is the one that was found last.
  bool is_in_segment(heap_block const* b) const noexcept {
    segment const* const s = index_->find(b);
    return s != nullptr && distance(s, b) >= sizeof(segment) && distance(s, b) + sizeof(heap_block) <= s->bytes;
  }
  bool is_block(heap_block const* b) const noexcept {
    return is_aligned(b + 1, block_grain) && is_in_segment(b) && is_word(decoded(b));
  }

  block_word& tag_of(heap_block const* b) const noexcept {
    return const_cast<heap_block*>(b)->at(size_in(load(b)) - word_bytes)->word;
  }
  void write_tag(heap_block* b, live_text live) const noexcept {
    std::uint64_t const text =
        tag_mark | std::uint64_t{live.is_resized} << 50 | std::uint64_t{lowest_bit(live.alignment)} << 44 | live.bytes;
    block_word& tag = tag_of(b);
    tag = text * keys_.factor ^ keys_.tag ^ address_of(b);
    if constexpr (Options::tail_canary) fill_slack(b, live.bytes, &tag);
  }
  /// 0: no tag.
  std::uint64_t text_of(heap_block const* b) const noexcept {
    std::uint64_t const text = (tag_of(b) ^ keys_.tag ^ address_of(b)) * inverse_;
    bool const fits = (text & word_mask) + overhead <= size_in(load(b));
    return text >> 51 == 1 && fits ? text : 0;
  }
  ZMM_INLINE live_text checked(heap_block const* b, std::size_t bytes, std::size_t alignment) const noexcept {
    std::uint64_t const text = text_of(b);
    if (ZMM_UNLIKELY(text == 0))
      stop_at(tag_of(b) == 0 ? "a freed block is live"
                             : "the bytes beside a block, and its tag, are as the heap left them",
              b);
    live_text const live{static_cast<std::size_t>(text & word_mask), std::size_t{1} << (text >> 44 & 63),
                         (text >> 50 & 1) != 0};
    if (bytes == 0) bytes = 1;
    bool const is_named = bytes == unknown_size || (live.is_resized ? bytes <= live.bytes : bytes == live.bytes);
    if (ZMM_UNLIKELY(!is_named || (alignment != 0 && bytes != unknown_size && alignment != live.alignment)))
      stop_at("a block is freed with the size and alignment it was allocated with", b);
    if constexpr (Options::tail_canary) check_slack(b, live.bytes);
    return live;
  }

  // Bulk allocation links blocks through their first word.
  static std::size_t slack_from(std::size_t bytes) noexcept { return bytes < word_bytes ? word_bytes : bytes; }
  unsigned char canary(heap_block const* b) const noexcept {
    return static_cast<unsigned char>(keys_.tag >> 56 ^ address_of(b) >> 4);
  }
  void fill_slack(heap_block* b, std::size_t bytes, void const* tag) const noexcept {
    auto* const from = static_cast<char*>(b->payload()) + slack_from(bytes);
    __builtin_memset(from, canary(b), distance(from, tag));
  }
  void check_slack(heap_block const* b, std::size_t bytes) const noexcept {
    auto const* at = reinterpret_cast<unsigned char const*>(b + 1) + slack_from(bytes);
    auto const* const end = reinterpret_cast<unsigned char const*>(&tag_of(b));
    unsigned char different = 0;
    for (unsigned char const expected = canary(b); at < end; ++at)
      different = static_cast<unsigned char>(different | (*at ^ expected));
    if (ZMM_UNLIKELY(different != 0)) stop_at("the bytes beside a block, and its tag, are as the heap left them", b);
  }

  block_keys keys_;
  std::uint64_t inverse_ = 1;
  segment_index const* index_;
  void const* heap_ = nullptr;
};

}}}  // namespace zmm::detail
