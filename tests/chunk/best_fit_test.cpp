// Best fit and the longest gap of a page bitmap, against a search that takes no shortcut.
#include <zmm/chunk/best_fit.hpp>

#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <algorithm>

namespace {
using std::size_t;
using zmm::detail::best_fit;
using zmm::detail::fit;
using zmm::detail::longest_gap;

template <size_t Pages> using pages = zmm::detail::bitmap<Pages>;

// Calls visit(first, length) for each run of clear bits, found bit by bit.
template <size_t Pages, class Visit> void for_each_gap(pages<Pages> const& taken, Visit visit) {
  size_t length = 0;
  for (size_t i = 0; i <= Pages; ++i) {
    if (i < Pages && !taken.test(i)) {
      ++length;
      continue;
    }
    if (length != 0) visit(i - length, length);
    length = 0;
  }
}

template <size_t Pages> size_t naive_longest(pages<Pages> const& taken) {
  size_t longest = 0;
  for_each_gap(taken, [&](size_t, size_t length) { longest = std::max(longest, length); });
  return longest;
}

template <size_t Pages> fit naive_fit(pages<Pages> taken, size_t count, size_t alignment) {
  fit found;
  size_t smallest = ~size_t{0};
  for_each_gap(taken, [&](size_t first, size_t length) {
    size_t start = first;
    while (start % alignment != 0) ++start;
    if (start + count > first + length || length >= smallest) return;
    smallest = length;
    found.first = start;
  });
  for (size_t i = 0; found.first != fit::none && i < count; ++i) taken.set(found.first + i, 1);
  found.longest = naive_longest(taken);
  return found;
}

template <size_t Pages> void compare(pages<Pages> const& taken, size_t count, size_t alignment) {
  size_t const longest = longest_gap(taken);
  fit const expected = naive_fit(taken, count, alignment);
  // With a longest gap of 0 nothing is shorter: the search looks at everything, and must find the same.
  for (size_t known : {longest, size_t{0}}) {
    fit const found = best_fit(taken, count, alignment, known);
    if (found.first == expected.first && found.longest == expected.longest) continue;
    FAIL("best fit for " << count << " pages at " << alignment << ": page " << found.first << " leaving "
                         << found.longest << ", expected " << expected.first << " leaving " << expected.longest);
  }
}

TEST_CASE("best_fit: every bitmap of 12 pages with every count and alignment") {
  for (size_t bits = 0; bits < 4096; ++bits) {
    pages<12> taken;
    for (size_t i = 0; i < 12; ++i)
      if ((bits >> i & 1) != 0) taken.set(i, 1);
    REQUIRE(longest_gap(taken) == naive_longest(taken));
    for (size_t count = 1; count <= 13; ++count)
      for (size_t alignment = 1; alignment <= 16; alignment *= 2) compare(taken, count, alignment);
  }
}

template <size_t Pages> void random_bitmaps(std::uint64_t seed, size_t rounds) {
  zmm_test::random_source random{seed};
  for (size_t round = 0; round < rounds; ++round) {
    pages<Pages> taken;
    size_t const runs = random.below(Pages / 2), longest_run = random.one_in(2) ? 3 : Pages / 4;
    if (random.one_in(3)) taken.set(0, Pages);
    for (size_t i = 0; i < runs; ++i) {
      size_t const first = random.below(Pages), count = random.between(1, std::min(longest_run, Pages - first));
      random.one_in(2) ? taken.set(first, count) : taken.clear(first, count);
    }
    size_t const longest = longest_gap(taken);
    REQUIRE(longest == naive_longest(taken));
    for (size_t count : {size_t{1}, size_t{2}, random.between(1, longest + 1), longest, random.between(1, Pages)})
      if (count != 0) compare(taken, count, size_t{1} << random.below(8));
  }
}

TEST_CASE("best_fit: random bitmaps of one word and of many") {
  random_bitmaps<64>(1, zmm_test::scaled(3000));
  random_bitmaps<100>(2, zmm_test::scaled(3000));
  random_bitmaps<512>(3, zmm_test::scaled(1000));
  random_bitmaps<4096>(4, zmm_test::scaled(60));
}

TEST_CASE("best_fit: an exact gap wins over a smaller page number and of equals the first does") {
  pages<64> taken;  // gaps: 4 at 0, 2 at 6, 2 at 10, the rest taken
  taken.set(4, 2);
  taken.set(8, 2);
  taken.set(12, 52);
  CHECK(best_fit(taken, 2, 1, 4).first == 6);
  CHECK(best_fit(taken, 2, 1, 4).longest == 4);
  CHECK(best_fit(taken, 1, 1, 4).first == 6);
  CHECK(best_fit(taken, 2, 4, 4).first == 0);  // neither gap of 2 holds two pages at a multiple of 4
  CHECK(best_fit(taken, 3, 1, 4).first == 0);
  CHECK(best_fit(taken, 3, 1, 4).longest == 2);
  CHECK(best_fit(taken, 5, 1, 4).first == fit::none);
  CHECK(best_fit(taken, 5, 1, 4).longest == 4);
}

TEST_CASE("best_fit: the original's example of 3 pages") {
  pages<512> taken;
  taken.set(0, 512);
  taken.clear(3, 2);   // too small
  taken.clear(10, 4);  // fits: the best so far
  taken.clear(20, 3);  // exactly: wins at once
  taken.clear(40, 3);  // as well, but is not met
  size_t const longest = longest_gap(taken);
  CHECK(longest == 4);
  CHECK(best_fit(taken, 3, 1, longest).first == 20);
  taken.set(20, 3);
  taken.set(40, 3);
  CHECK(best_fit(taken, 3, 1, longest).first == 10);
}

TEST_CASE("best_fit: met by a gap shorter than the longest it does not look at the rest") {
  pages<512> taken;
  taken.set(0, 512);
  taken.clear(10, 3);
  taken.clear(100, 50);
  // The longest gap is believed, so a wrong one comes back: nothing behind page 13 was looked at.
  CHECK(best_fit(taken, 3, 1, 77).first == 10);
  CHECK(best_fit(taken, 3, 1, 77).longest == 77);
  // An exact gap that may itself be the longest does not end the search: what it leaves has to be known.
  CHECK(best_fit(taken, 3, 1, 3).first == 10);
  CHECK(best_fit(taken, 3, 1, 3).longest == 50);
  // Neither does one that is longer than asked for.
  CHECK(best_fit(taken, 2, 1, 77).longest == 50);
}
}  // namespace
