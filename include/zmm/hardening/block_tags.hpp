// A word beside each small block that binds it to its heap, its address and what was asked for.
#pragma once

#include <zmm/base/annotate.hpp>
#include <zmm/base/checks.hpp>
#include <zmm/blocks/block_classes.hpp>
#include <zmm/hardening/block_keys.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Writes and compares the words. Without tag_blocks there are none, and this is empty.
template <class Options, word_place Place, bool = Options::tag_blocks> class block_tags {
public:
  void rekey(block_keys const&, void const*) noexcept {}
};

template <class Options, word_place Place> class block_tags<Options, Place, true> {
public:
  /// Effects: tags from now on are this heap's, with these keys; earlier ones are not valid any more.
  void rekey(block_keys const& with, void const* heap) noexcept {
    keys_ = with;
    heap_ = heap;
  }

  /// Effects: writes the words behind a block that has pages of its own; they end at `end`.
  void seal_end(void* end) const noexcept {
    allow(static_cast<char*>(end) - page_canary_bytes<Options>, page_canary_bytes<Options>);
    for (std::size_t n = 8; n <= page_canary_bytes<Options>; n += 8) store_word(static_cast<char*>(end) - n, end_word(end, n));
  }
  /// Stops unless they are as seal_end() left them.
  void check_end(void const* block, void const* end) const noexcept {
    allow(static_cast<char const*>(end) - page_canary_bytes<Options>, page_canary_bytes<Options>);
    for (std::size_t n = 8; n <= page_canary_bytes<Options>; n += 8) {
      if (ZMM_UNLIKELY(load_word(static_cast<char const*>(end) - n) != end_word(end, n)))
        stop({"nothing was written past the end of a paged block", block, heap_});
    }
  }

  /// Effects: the block is live, for `bytes` at `alignment`.
  ZMM_INLINE void write(void* block, bin_index bin, std::size_t bytes, std::size_t alignment) const noexcept {
    std::uint64_t const tag = block_tag(bytes, alignment).encode(block, keys_);
    if constexpr (is_behind) store_word(second_place(block, bin, bytes), tag);
    store_word(place(block, bin, bytes), tag);
    if constexpr (has_canary) canary(block, bin, bytes, tag).write();
  }
  /// As write(), for a block that is live already and stays in its slot.
  void write_again(void* block, bin_index bin, std::size_t bytes, std::size_t alignment) const noexcept {
    block_tag const was = read(block, bin);
    forget(block, bin, was);
    if constexpr (Options::zero_on_free) {
      if (bytes < was.bytes()) zero_bytes(static_cast<char*>(block) + bytes, was.bytes() - bytes);
    }
    write(block, bin, bytes, alignment);
  }
  /// Effects: the live block, whose tag `was` says so, may be freed with any size up to `bytes` that leads to its bin,
  /// and all of those may be used.
  void write_resized(void* block, bin_index bin, block_tag was, std::size_t bytes) const noexcept {
    forget(block, bin, was);
    store_word(place_of_resized(block, bin), block_tag::resized(bytes, was.alignment()).encode(block, keys_));
  }

  /// Whether the block in a slot of `bin` is live and is one for `bytes` at `alignment`. False may mean that it was
  /// resized.
  ZMM_INLINE bool is_live(void const* block, bin_index bin, std::size_t bytes, std::size_t alignment) const noexcept {
    std::uint64_t const expected = block_tag(bytes, alignment).encode(block, keys_);
    if (ZMM_UNLIKELY(load_word(place(block, bin, bytes)) != expected)) return false;
    if constexpr (is_behind) return load_word(second_place(block, bin, bytes)) == expected;
    if constexpr (has_canary) return canary(block, bin, bytes, expected).is_whole();
    return true;
  }
  /// Effects: the block's tag is not valid any more, at the latest once the block is linked: then link and shadow lie
  /// over the slot's first 16 bytes, and wipe() zeroes the rest, if the options say so.
  ZMM_INLINE void end_life(void* block, bin_index bin, std::size_t bytes) const noexcept {
    if constexpr (is_behind) store_word(second_place(block, bin, bytes), 0);
    if constexpr (Place == word_place::end && !Options::zero_on_free) store_word(place(block, bin, bytes), 0);
  }
  /// Effects: zeroes what the block used of its slot, but not link and shadow, if the options say so. May be called
  /// before or after the block is linked.
  ZMM_INLINE void wipe(void* block, bin_index bin, std::size_t bytes) const noexcept {
    // A call of memset, last of all: where g++ knows the range of a size it makes `rep stos`, which costs much more.
    if constexpr (Options::zero_on_free)
      zero_bytes(static_cast<char*>(block) - front + 16, opaque(used(bin, bytes) - 16));
  }
  /// Stops unless the block may be freed as one of `bytes` at `alignment`. Effects: as end_life(). Requires: a slot of
  /// `bin` is there.
  void check_and_end(void* block, bin_index bin, std::size_t bytes, std::size_t alignment) const noexcept {
    if (is_live(block, bin, bytes, alignment)) return end_life(block, bin, bytes);
    block_tag const tag = read(block, bin);
    if (!tag.is_resized() || bytes > tag.bytes())
      stop_at("a block is freed with the size and alignment it was allocated with", block, bin);
    end_found(block, bin, tag);
  }
  /// Effects: as end_life(), of a block whose tag was read.
  void end_found(void* block, bin_index bin, block_tag tag) const noexcept {
    forget(block, bin, tag);
    if constexpr (Options::zero_on_free) zero_bytes(static_cast<char*>(block) - front, slot_bytes(bin));
  }
  /// Effects: clears the words that hold `tag`.
  void forget(void* block, bin_index bin, block_tag tag) const noexcept {
    store_word(place_of_resized(block, bin), 0);
    if (!tag.is_resized()) store_word(place(block, bin, tag.bytes()), 0);
  }

  /// The tag of the live block in a slot of `bin`; stops unless there is one. Complexity: where tags lie right behind what
  /// was asked for, linear in that.
  block_tag read(void const* block, bin_index bin) const noexcept {
    std::uint64_t const inverse = keys_.inverse();
    std::size_t const room = slot_bytes(bin) - 8;
    block_tag tag = read_at(place_of_resized(block, bin), block, inverse);
    if (tag.is_whole() && tag.is_resized()) return tag;
    for (std::size_t bytes = room; is_behind && bytes != 0 && !tag.is_whole(); --bytes) {
      block_tag const here = read_at(place(block, bin, bytes), block, inverse);
      if (here.is_whole() && here.bytes() == bytes) tag = here;
    }
    bool const is_tag = tag.is_whole() && !tag.is_resized() && tag.bytes() <= room;
    if (!is_tag || !is_live(block, bin, tag.bytes(), tag.alignment()))
      stop_at(is_free(block) ? not_live : not_whole, block, bin);
    return tag;
  }
  /// The tag in front of a block, whatever its bin. Only where the tag's place does not depend on the bin.
  block_tag read(void const* block) const noexcept {
    static_assert(Place == word_place::front);
    return read_at(place(block, bin_index{0}, 0), block, keys_.inverse());
  }

  [[noreturn]] ZMM_COLD void stop_at(char const* rule, void const* block, bin_index bin) const noexcept {
    stop({rule, block, heap_, slot_bytes(bin)});
  }

  /// The address behind the tag of a block of `bytes` in a slot of `bin`.
  ZMM_INLINE static std::uintptr_t end_of(void const* block, bin_index bin, std::size_t bytes) noexcept {
    return address_of(place(block, bin, bytes)) + 8;
  }

private:
  std::uint64_t end_word(void const* end, std::size_t n) const noexcept {
    return __builtin_bswap64(keys_.tag) ^ keys_.factor * (address_of(end) - n);
  }
  /// Whether the tag serves as the canary, too: then it lies right behind what was asked for.
  static constexpr bool is_behind = Options::tail_canary && Place == word_place::end;
  static constexpr bool has_canary = Options::tail_canary && Place == word_place::front;
  static constexpr std::size_t front = Place == word_place::front ? 8 : 0;
  static constexpr char const* not_live = "a freed block is live";
  static constexpr char const* not_whole = "the bytes beside a block, and its tag, are as the heap left them";

  template <class Void> ZMM_INLINE static Void* place(Void* block, bin_index bin, std::size_t bytes) noexcept {
    if constexpr (!is_behind) return place_of_resized(block, bin);
    // Bulk allocation links blocks through their first word.
    return reinterpret_cast<Void*>(address_of(block) + (bytes < 8 ? 8 : bytes));
  }
  /// If 8 to 15 bytes of the slot are left behind the tag, the slot's last word is a second tag. It notices an
  /// underflow of the next block that is too short to reach the first tag, and lies in bytes that nothing else uses.
  /// Farther away from the first tag it would cost another cache line. Where there is no second place, this is the
  /// first.
  template <class Void> ZMM_INLINE static Void* second_place(Void* block, bin_index bin, std::size_t bytes) noexcept {
    std::uintptr_t const first = address_of(place(block, bin, bytes));
    std::size_t const gap = address_of(place_of_resized(block, bin)) - first;
    // Whether there is a second place cannot be predicted, so g++ must not make a branch of it.
    return reinterpret_cast<Void*>(first + (gap & (0 - opaque(gap - 8 < 8))));
  }
  /// Bytes from the slot's start to the end of what the block used, its words but the second included.
  ZMM_INLINE static std::size_t used(bin_index bin, std::size_t bytes) noexcept {
    std::size_t const end = (bytes < 8 ? 8 : bytes) + 8 + front, slot = slot_bytes(bin);
    if constexpr (Options::check_reuse) return slot;
    if constexpr (is_behind) return end;
    else if constexpr (Place == word_place::front) return end < slot ? end : slot;
    else return slot;
  }
  /// The word at the slot's end or front, however much of the slot the block uses.
  template <class Void> ZMM_INLINE static Void* place_of_resized(Void* block, bin_index bin) noexcept {
    std::uintptr_t const at = Place == word_place::end ? slot_bytes(bin) - 8 : std::uintptr_t{0} - 8;
    return reinterpret_cast<Void*>(address_of(block) + at);
  }
  block_tag read_at(void const* word, void const* block, std::uint64_t inverse) const noexcept {
    return block_tag::decode(load_word(word), block, keys_, inverse);
  }

  ZMM_INLINE tail_canary canary(void const* block, bin_index bin, std::size_t bytes, std::uint64_t tag) const noexcept {
    void* const at = const_cast<void*>(block);
    return tail_canary(at, bytes, slot_bytes(bin) - 8, place(at, bin, bytes), tag, keys_);
  }
  bool is_free(void const* block) const noexcept {
    void const* const shadow = static_cast<char const*>(block) + (Place == word_place::end ? 8 : -8);
    return load_word(shadow) == link_proof(block, load_link(block), keys_.link);
  }

  block_keys keys_;
  void const* heap_ = nullptr;
};

}}}  // namespace zmm::detail
