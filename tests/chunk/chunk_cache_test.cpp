// How many empty chunks are kept, step by step: the average of the requests' peaks, and the delete boundary. The heap's
// side of it is in tests/heap/chunk_cache_test.cpp.
#include <zmm/chunk/chunk_cache.hpp>

#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <initializer_list>
#include <vector>

namespace {
using std::size_t;
using policy = zmm::detail::chunk_policy;

// A request that used `peak` chunks at most, one after the other.
void request(policy& p, size_t peak) {
  for (size_t in_use = 1; in_use <= peak; ++in_use) p.on_take(in_use);
  p.on_end(1);
}

// The most chunks, in use and cached, with which one more is kept; not at a delete boundary, and changes nothing: while
// something is cached the boundary is neither set nor counted.
size_t most_kept(policy p) {
  size_t cached = 1;
  while (p.keeps(0, cached)) ++cached;
  return cached - 1;
}
// The most cached chunks that a request's end leaves.
size_t most_left(policy const& p) {
  size_t cached = 0;
  while (!p.exceeds(cached)) ++cached;
  return cached == 0 ? 0 : cached - 1;
}

TEST_CASE("chunk_policy: at first the average is one chunk") {
  policy p;
  CHECK(p.keeps(0, 0));
  CHECK(p.keeps(1, 0));
  CHECK(p.keeps(0, 1));
  CHECK_FALSE(p.keeps(1, 1));
  CHECK_FALSE(p.keeps(2, 0));
  CHECK_FALSE(p.exceeds(0));
  CHECK(p.exceeds(1));
}

TEST_CASE("chunk_policy: a request's end moves the average half-way to the request's peak") {
  policy p;
  request(p, 5);  // (1 + 5) / 2 = 3
  CHECK(most_kept(p) == 3);   // 3 < 3.1 and 4 is not
  CHECK(most_left(p) == 2);   // 2.9 is not above 3 and 3.9 is
  request(p, 8);  // 5.5
  CHECK(most_kept(p) == 5);
  CHECK(most_left(p) == 4);
  request(p, 1);  // 3.25
  CHECK(most_kept(p) == 3);
  CHECK(most_left(p) == 2);
  p.on_end(1);  // no chunk taken counts as one in use: 2.125
  CHECK(most_kept(p) == 2);
  CHECK(most_left(p) == 1);
  for (int i = 0; i < 60; ++i) p.on_end(1);
  CHECK(most_kept(p) == 1);
  CHECK(most_left(p) == 0);
}

TEST_CASE("chunk_policy: a tenth above the average is kept and a tenth below a whole chunk is left") {
  policy p;
  for (size_t peak : {size_t{3}, size_t{2}}) request(p, peak);  // 2, then 2
  CHECK(p.keeps(1, 1));
  CHECK_FALSE(p.keeps(2, 1));
  CHECK_FALSE(p.exceeds(1));  // 1.9
  CHECK(p.exceeds(2));
  p = policy();
  for (size_t peak : {size_t{1}, size_t{1}, size_t{1}, size_t{2}}) request(p, peak);  // 1.5
  CHECK(most_kept(p) == 1);
  for (int i = 0; i < 2; ++i) request(p, 2);  // 1.875
  CHECK(most_kept(p) == 1);
  CHECK(most_left(p) == 0);  // 1.9 is above it
  request(p, 2);             // 1.9375
  CHECK(most_kept(p) == 2);
  CHECK(most_left(p) == 1);
}

TEST_CASE("chunk_policy: the peak counts what was in use at once and starts anew with what stays") {
  policy p;
  p.on_take(3);
  p.on_take(9);
  p.on_take(2);
  p.on_end(4);  // (1 + 9) / 2 = 5
  CHECK(most_kept(p) == 5);
  p.on_end(1);  // four stayed: (5 + 4) / 2 = 4.5
  CHECK(most_kept(p) == 4);
  p.on_end(0);  // (4.5 + 1) / 2 = 2.75; none is counted as one
  CHECK(most_kept(p) == 2);
  p.on_end(0);  // 1.875
  CHECK(most_kept(p) == 1);
}

TEST_CASE("chunk_policy: random requests against the formula") {
  zmm_test::random_source random{3};
  policy p;
  double average = 1;
  for (size_t i = 0; i < zmm_test::scaled(2000); ++i) {
    size_t const peak = random.between(1, random.one_in(10) ? 200 : 8);
    request(p, peak);
    average = (average + static_cast<double>(peak)) / 2;
    for (size_t n = 1; n < 220; ++n) {
      REQUIRE(p.exceeds(n) == (static_cast<double>(n) + 0.9 > average));
      REQUIRE(p.keeps(n / 3, n - n / 3) == (static_cast<double>(n) < average + 0.1));
    }
  }
}

TEST_CASE("chunk_policy: given back four times at one count a chunk is kept there from then on") {
  policy p;
  for (int i = 0; i < 4; ++i) CHECK_FALSE(p.keeps(7, 0));
  for (int i = 0; i < 5; ++i) CHECK(p.keeps(7, 0));
  CHECK(p.keeps(7, 1));  // also beside another
  CHECK_FALSE(p.keeps(6, 1));
  CHECK_FALSE(p.keeps(8, 1));
}

TEST_CASE("chunk_policy: another count starts counting anew") {
  policy p;
  for (int i = 0; i < 4; ++i) CHECK_FALSE(p.keeps(7, 0));
  CHECK_FALSE(p.keeps(8, 0));
  for (int i = 0; i < 3; ++i) CHECK_FALSE(p.keeps(7, 0));
  CHECK_FALSE(p.keeps(7, 0));
  CHECK(p.keeps(7, 0));
  for (int i = 0; i < 20; ++i) CHECK_FALSE(p.keeps(i % 2 == 0 ? 4 : 5, 0));
}

TEST_CASE("chunk_policy: what is given back while chunks are cached does not count") {
  policy p;
  for (int i = 0; i < 20; ++i) CHECK_FALSE(p.keeps(7, 1));
  for (int i = 0; i < 4; ++i) CHECK_FALSE(p.keeps(7, 0));
  CHECK(p.keeps(7, 0));
}

TEST_CASE("chunk_policy: what the average keeps does not count either") {
  policy p;
  request(p, 13);  // 7
  for (int i = 0; i < 20; ++i) CHECK(p.keeps(7, 0));
  for (int i = 0; i < 4; ++i) CHECK_FALSE(p.keeps(8, 0));
  CHECK(p.keeps(8, 0));
}

TEST_CASE("chunk_policy: a request's end forgets the boundary") {
  policy p;
  for (int i = 0; i < 5; ++i) (void)p.keeps(7, 0);
  CHECK(p.keeps(7, 0));
  p.on_end(1);
  for (int i = 0; i < 4; ++i) CHECK_FALSE(p.keeps(7, 0));
  CHECK(p.keeps(7, 0));
}

TEST_CASE("chunk_stack: last in is first out") {
  using chunk = zmm::detail::chunk<zmm::geometry<256 * 1024, 4096>>;
  std::vector<chunk> chunks(5);
  zmm::detail::chunk_stack<chunk::geometry> stack;
  CHECK(stack.empty());
  CHECK(stack.top() == nullptr);
  for (size_t round = 0; round < 3; ++round) {
    for (size_t i = 0; i < chunks.size(); ++i) {
      stack.push(&chunks[i]);
      CHECK(stack.top() == &chunks[i]);
      CHECK(stack.count() == i + 1);
      CHECK_FALSE(stack.empty());
    }
    for (size_t i = chunks.size(); i-- > 0;) {
      CHECK(stack.pop() == &chunks[i]);
      CHECK(stack.count() == i);
    }
    CHECK(stack.empty());
  }
}
}  // namespace
