// Best fit in a chunk's page bitmap.
#pragma once

#include <zmm/base/bitmap.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct fit {
  static constexpr std::size_t none = ~std::size_t{0};

  std::size_t first = none;  ///< first page; none if nothing fits
  std::size_t longest = 0;   ///< the longest gap left once the pages are taken
};

/// Where `count` pages, the first of them a multiple of `alignment` pages, fit best: in the first gap of exactly that
/// length, else in the smallest gap that holds them, the first of equals. `longest` is the bitmap's longest gap; with
/// it a search that is met by a shorter gap need not look at the rest.
template <std::size_t Pages>
fit best_fit(bitmap<Pages> const& taken, std::size_t count, std::size_t alignment, std::size_t longest) noexcept {
  fit best;
  std::size_t best_gap = 0, best_length = fit::none;
  std::size_t first = 0, second = 0;  // the two longest gaps seen, equals counted twice
  for (std::size_t gap = taken.next_clear(0); gap < Pages;) {
    std::size_t const end = taken.next_set(gap);
    std::size_t const length = end - gap;
    std::size_t const start = align_up(gap, alignment);
    if (start + count <= end && length < best_length) {
      best.first = start;
      best_gap = gap;
      best_length = length;
      if (length == count && count < longest) {
        best.longest = longest;
        return best;
      }
    }
    if (length > first) {
      second = first;
      first = length;
    } else if (length > second) {
      second = length;
    }
    gap = taken.next_clear(end);
  }
  if (best.first == fit::none) {
    best.longest = first;
    return best;
  }
  std::size_t const before = best.first - best_gap;
  std::size_t const after = best_length - before - count;
  std::size_t const others = best_length == first ? second : first;
  best.longest = before > after ? before : after;
  if (others > best.longest) best.longest = others;
  return best;
}

/// The length of the longest run of clear bits.
template <std::size_t Pages> std::size_t longest_gap(bitmap<Pages> const& taken) noexcept {
  std::size_t longest = 0;
  for (std::size_t gap = taken.next_clear(0); gap < Pages;) {
    std::size_t const end = taken.next_set(gap);
    if (end - gap > longest) longest = end - gap;
    gap = taken.next_clear(end);
  }
  return longest;
}

}}}  // namespace zmm::detail
