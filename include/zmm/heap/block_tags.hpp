// A word beside each small block that binds it to its heap, its address and what was asked for.
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/heap/block_keys.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Writes and compares the words. Without tag_blocks there are none, and this is empty.
template <class Options, word_place Place, bool = Options::tag_blocks> class block_tags {
public:
  void rekey(block_keys const&, void const*) noexcept {}
};

template <class Options, word_place Place> class block_tags<Options, Place, true> {
public:
  /// Effects: tags from now on are this heap's, with these keys; those of before do not hold.
  void rekey(block_keys const& with, void const* heap) noexcept {
    keys_ = with;
    heap_ = heap;
  }

  /// Effects: the block is live, for `bytes` at `alignment`.
  ZMM_INLINE void write(void* block, bin_index bin, std::size_t bytes, std::size_t alignment) const noexcept {
    std::uint64_t const tag = block_tag(bytes, alignment).encode(block, keys_);
    store_word(word_beside<Place>(block, bin), tag);
    if constexpr (Options::tail_canary) canary(block, bin, bytes, tag).write();
  }
  /// Effects: the block may be freed with any size up to `bytes` that leads to its bin, and all of those may be used.
  void write_resized(void* block, bin_index bin, std::size_t bytes, std::size_t alignment) const noexcept {
    store_word(word_beside<Place>(block, bin), block_tag::resized(bytes, alignment).encode(block, keys_));
  }

  /// Stops unless the block in a slot of `bin` is live and is one for `bytes` at `alignment`.
  ZMM_INLINE void check(void const* block, bin_index bin, std::size_t bytes, std::size_t alignment) const noexcept {
    std::uint64_t const expected = block_tag(bytes, alignment).encode(block, keys_);
    if (ZMM_UNLIKELY(load_word(word_beside<Place>(block, bin)) != expected)) return check_other(block, bin, bytes);
    check_canary(block, bin, bytes, expected);
  }
  /// The tag of the live block in a slot of `bin`; stops unless there is one.
  block_tag read(void const* block, bin_index bin) const noexcept {
    std::uint64_t const word = load_word(word_beside<Place>(block, bin));
    block_tag const tag = block_tag::decode(word, block, keys_);
    if (ZMM_UNLIKELY(!tag.is_whole())) stop_at(is_free(block, bin) ? not_live : not_whole, block, bin);
    if (!tag.is_resized()) check_canary(block, bin, tag.bytes(), word);
    return tag;
  }
  /// In front of a block of whatever bin. Only where the word's place does not depend on it.
  block_tag read(void const* block) const noexcept {
    static_assert(Place == word_place::front);
    return block_tag::decode(load_word(word_beside<Place>(block, bin_index{0})), block, keys_);
  }

  [[noreturn]] ZMM_COLD void stop_at(char const* rule, void const* block, bin_index bin) const noexcept {
    stop({rule, block, heap_, slot_bytes(bin)});
  }

private:
  static constexpr char const* not_live = "a freed block is live";
  static constexpr char const* not_whole = "the bytes beside a block, and its tag, are as the heap left them";

  ZMM_INLINE tail_canary canary(void const* block, bin_index bin, std::size_t bytes, std::uint64_t tag) const noexcept {
    void* const at = const_cast<void*>(block);
    return tail_canary(at, bytes, slot_bytes(bin) - 8, word_beside<Place>(at, bin), tag, keys_);
  }
  ZMM_INLINE void check_canary(void const* block, bin_index bin, std::size_t bytes, std::uint64_t tag) const noexcept {
    if constexpr (Options::tail_canary) {
      if (ZMM_UNLIKELY(!canary(block, bin, bytes, tag).is_whole())) stop_at(not_whole, block, bin);
    }
  }
  bool is_free(void const* block, bin_index bin) const noexcept {
    return load_word(word_beside<Place>(block, bin)) == link_proof(block, load_word(block), keys_.link);
  }
  /// The tag is not the one of such a block: it was resized, or something is wrong.
  ZMM_COLD void check_other(void const* block, bin_index bin, std::size_t bytes) const noexcept {
    block_tag const tag = read(block, bin);
    if (!tag.is_resized() || bytes > tag.bytes())
      stop_at("a block is freed with the size and alignment it was allocated with", block, bin);
  }

  block_keys keys_;
  void const* heap_ = nullptr;
};

}}}  // namespace zmm::detail
