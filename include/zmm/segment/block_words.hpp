// How the words in front of blocks are read and written: as they are, or sealed (sealed_words.hpp).
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/blocks/free_slot.hpp>
#include <zmm/segment/block.hpp>
#include <zmm/segment/segment_index.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// What an engine over boundary tags needs of its words. Unlinking a free block compares with both its neighbours in
/// every build; all else is checked by sealed words only.
template <class Options, bool = Options::encode_links> class block_words {
public:
  static constexpr std::size_t overhead = word_bytes;  ///< bytes of a block that are not its payload
  static constexpr bool are_plain = true;

  explicit block_words(segment_index const&) noexcept {}
  /// Effects: words written before are not valid any more. `heap`: what the stop handler is told.
  void rekey(void const* heap) noexcept { heap_ = heap; }

  ZMM_INLINE std::size_t load(heap_block const* b) const noexcept { return static_cast<std::size_t>(b->word); }
  ZMM_INLINE void store(heap_block* b, std::size_t word) const noexcept { b->word = word; }
  /// Effects: no block begins at `b` any more.
  void erase(heap_block*) const noexcept {}
  // For zero_on_free, which leaves nothing of a block to the next one.
  void wipe_links(heap_block*, std::size_t /*size*/) const noexcept {}  ///< links and last word of a free block
  void wipe(heap_block*, std::size_t /*size*/) const noexcept {}        ///< the payload

  /// Before a free block's link is followed.
  template <class Block> ZMM_INLINE Block* follow(Block* link) const noexcept { return link; }

  // Of live blocks.
  ZMM_INLINE void hand_out(heap_block*, std::size_t /*bytes*/, std::size_t /*alignment*/) const noexcept {}
  /// What a live block's tag said, while its size changes. begin_resize() stops unless the block may be freed with
  /// `bytes`.
  struct live_text {};
  live_text begin_resize(heap_block*, std::size_t /*bytes*/) const noexcept { return {}; }
  void revive(heap_block*, live_text) const noexcept {}          ///< it is as it was
  void revive_resized(heap_block*, live_text) const noexcept {}  ///< any size up to its usable size frees it
  /// The block at a payload that a caller passes. Stops unless it is live.
  ZMM_INLINE heap_block* named(void const* payload) const noexcept { return heap_block::of(payload); }
  /// Stops unless the live block may be freed with these. Effects: it is not live any more.
  ZMM_INLINE void end_life(heap_block*, std::size_t /*bytes*/, std::size_t /*alignment*/) const noexcept {}
  ZMM_INLINE std::size_t usable_size(heap_block const* b) const noexcept { return size_in(load(b)) - overhead; }
  bool is_live(heap_block const*) const noexcept {
    return true;
  }  ///< of a block in use: whether a caller has it, not the cache

  // Blocks in the cache.
  ZMM_INLINE void push(free_slot*& head, heap_block* b) const noexcept { head = ::new (b->payload()) free_slot{head}; }
  /// Requires: not empty.
  ZMM_INLINE heap_block* pop(free_slot*& head) const noexcept {
    free_slot* const slot = head;
    head = slot->next;
    return heap_block::of(slot);
  }
  free_slot* next(free_slot const* slot) const noexcept { return slot->next; }

  [[noreturn]] ZMM_COLD void stop_at(char const* rule, heap_block const* b) const noexcept {
    stop({rule, b + 1, heap_});
  }
  void const* heap() const noexcept { return heap_; }

private:
  void const* heap_ = nullptr;
};

}}}  // namespace zmm::detail
