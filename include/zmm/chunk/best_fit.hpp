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
/// length, else in the smallest gap that holds them, the first of equals. `longest` is the bitmap's longest gap:
/// knowing it, a search that finds an exact fit in a shorter gap can stop.
template <std::size_t Pages>
fit best_fit(bitmap<Pages> const& taken, std::size_t count, std::size_t alignment, std::size_t longest) noexcept {
  std::size_t best = fit::none, best_gap = 0, best_length = fit::none;
  std::size_t first = 0, second = 0;  // the two longest gaps seen, equals counted twice
  std::size_t const enough = count < longest ? count : 0;
  taken.find_clear_run([&](std::size_t gap, std::size_t length) {
    std::size_t const shorter = length < first ? length : first;
    second = shorter > second ? shorter : second;
    first = length > first ? length : first;
    if (length < count || length >= best_length) return false;
    std::size_t const start = align_up(gap, alignment);
    if (start + count > gap + length) return false;
    best = start;
    best_gap = gap;
    best_length = length;
    return length == enough;
  });
  if (best_length == enough) return {best, longest};
  if (best == fit::none) return {best, first};
  std::size_t const before = best - best_gap, after = best_length - before - count;
  std::size_t const left = before > after ? before : after, others = best_length == first ? second : first;
  return {best, left > others ? left : others};
}

/// The length of the longest run of clear bits.
template <std::size_t Pages> std::size_t longest_gap(bitmap<Pages> const& taken) noexcept {
  return best_fit(taken, Pages + 1, 1, 0).longest;
}

}}}  // namespace zmm::detail
