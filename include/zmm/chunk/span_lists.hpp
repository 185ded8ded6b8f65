// The chunks of a page layer, listed by their longest run of free pages.
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/chunk/checked_geometry.hpp>
#include <zmm/chunk/chunk.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Zend walks its chunks one by one; here a search starts where it can succeed, so its cost does not grow with the
/// number of chunks, and full chunks are never looked at. Taking from the chunk whose longest gap is shortest fills
/// nearly full chunks first, as best fit does.
///
/// Classes: one for each length below 16 pages, then four to each doubling.
template <class Geometry> class span_lists {
public:
  using chunk_type = chunk<Geometry>;

  /// The class of a longest gap of `length` pages.
  static constexpr std::size_t class_of(std::size_t length) noexcept {
    if (length < 16) return length;
    std::size_t const top = highest_bit(length);
    return 16 + (top - 4) * 4 + ((length >> (top - 2)) & 3);
  }
  static constexpr std::size_t classes = class_of(Geometry::pages) + 1;
  static_assert(classes <= 64);

  void insert(chunk_type* c) noexcept {
    std::size_t const at = class_of(c->longest);
    c->prev = nullptr;
    c->next = heads_[at];
    if (c->next != nullptr) c->next->prev = c;
    heads_[at] = c;
    filled_ |= std::uint64_t{1} << at;
  }

  void remove(chunk_type* c) noexcept {
    std::size_t const at = class_of(c->longest);
    static_cast<void>(next_of(c));
    if constexpr (checks_chunks<Geometry>) {
      bool const holds = c->prev == nullptr ? heads_[at] == c : is_chunk_place(c->prev) && c->prev->next == c;
      check(holds, "the neighbours of a chunk know it", c);
    }
    if (c->next != nullptr) c->next->prev = c->prev;
    if (c->prev != nullptr) {
      c->prev->next = c->next;
    } else {
      heads_[at] = c->next;
      if (c->next == nullptr) filled_ &= ~(std::uint64_t{1} << at);
    }
  }

  /// Effects: notes that the longest gap of `c` is now `longest`.
  void relist(chunk_type* c, std::size_t longest) noexcept {
    if (class_of(longest) == class_of(c->longest)) {
      c->longest = static_cast<std::uint32_t>(longest);
      return;
    }
    remove(c);
    c->longest = static_cast<std::uint32_t>(longest);
    insert(c);
  }

  /// A chunk with a gap of at least `count` pages, from the lowest class that has one; null if none was found.
  /// Complexity: constant. In the class of `count` itself lengths differ by less than a quarter, and only a few chunks
  /// are tried; in a class above it any chunk will do.
  chunk_type* find(std::size_t count) const noexcept {
    std::size_t const own = class_of(count);
    int tries = 8;
    for (chunk_type* c = heads_[own]; c != nullptr && tries != 0; c = next_of(c), --tries) {
      if (c->longest >= count) return c;
    }
    std::uint64_t const above = own + 1 < classes ? filled_ >> (own + 1) : 0;
    return above != 0 ? heads_[own + 1 + lowest_bit(above)] : nullptr;
  }

  /// What find() may have overlooked: a chunk behind the few it tries. For when no other chunk is to be had.
  /// Complexity: linear in the chunks of one class.
  ZMM_COLD chunk_type* find_hidden(std::size_t count) const noexcept {
    chunk_type* c = heads_[class_of(count)];
    while (c != nullptr && c->longest < count) c = next_of(c);
    return c;
  }

  template <class Visit> void for_each(Visit visit) const {
    for (chunk_type* head : heads_) {
      for (chunk_type* c = head; c != nullptr;) {
        chunk_type* const next = next_of(c);  // the visitor may unlink
        visit(c);
        c = next;
      }
    }
  }

  void verify(void const* heap) const noexcept {
    for (std::size_t i = 0; i < classes; ++i) {
      check((heads_[i] != nullptr) == ((filled_ >> i & 1) != 0), "a filled span list has its bit set", heads_[i], heap);
      for (chunk_type* c = heads_[i]; c != nullptr; c = c->next) {
        check(class_of(c->longest) == i, "a chunk is in the span list of its longest gap", c, heap);
        check(c->next == nullptr || c->next->prev == c, "span list links agree", c, heap);
      }
    }
  }

private:
  static bool is_chunk_place(chunk_type const* c) noexcept { return is_aligned(c, Geometry::chunk_bytes); }
  /// The chunk behind `c`. Where links are checked, `next` has to link back to `c`, so a walk ends.
  static chunk_type* next_of(chunk_type const* c) noexcept {
    chunk_type* const next = c->next;
    if constexpr (checks_chunks<Geometry>) {
      check(next == nullptr || (is_chunk_place(next) && next->prev == c), "the neighbours of a chunk know it", c);
    }
    return next;
  }

  chunk_type* heads_[classes] = {};
  std::uint64_t filled_ = 0;  ///< bit i set == heads_[i] != nullptr
};

}}}  // namespace zmm::detail
