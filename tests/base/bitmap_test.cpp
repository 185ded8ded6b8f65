// The bitmap's range operations against a vector of bool.
#include <zmm/base/bitmap.hpp>

#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <algorithm>
#include <vector>

namespace {
using std::size_t;

template <size_t Bits> void compare(std::uint64_t seed, size_t steps) {
  zmm::detail::bitmap<Bits> map;
  std::vector<bool> model(Bits);
  zmm_test::random_source random{seed};
  auto const find = [&](size_t from, bool wanted) {
    while (from < Bits && model[from] != wanted) ++from;
    return from < Bits ? from : Bits;
  };
  for (size_t step = 0; step < steps; ++step) {
    size_t const first = random.below(Bits), count = random.one_in(3) ? random.below(Bits - first + 1) : random.below(std::min<size_t>(Bits - first + 1, 9));
    bool const set = random.one_in(2);
    set ? map.set(first, count) : map.clear(first, count);
    for (size_t i = first; i < first + count; ++i) model[i] = set;

    size_t const at = random.below(Bits);
    REQUIRE(map.test(at) == model[at]);
    REQUIRE(map.next_set(at) == find(at, true));
    REQUIRE(map.next_clear(at) == find(at, false));
    REQUIRE(map.next_set(Bits) == Bits);
    size_t start = random.below(Bits + 1);
    size_t const before = start;
    while (start > 0 && !model[start - 1]) --start;
    REQUIRE(map.clear_run_start(before) == start);
    size_t const length = random.below(Bits - at + 1);
    REQUIRE(map.all(at, length) == (length == 0 || find(at, false) >= at + length));
    size_t sum = 0;
    for (bool bit : model) sum += bit;
    REQUIRE(map.count() == sum);
  }
}

TEST_CASE("bitmap: random ranges, whole and partial words") {
  compare<512>(1, zmm_test::scaled(5000));
  compare<64>(2, zmm_test::scaled(5000));
  compare<16>(3, zmm_test::scaled(2000));
  compare<100>(4, zmm_test::scaled(2000));
  compare<4096>(5, zmm_test::scaled(300));
}
}  // namespace
