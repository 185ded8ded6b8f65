// The lists of chunks by their longest gap: the classes, and what find() may and may not return.
#include <zmm/chunk/span_lists.hpp>

#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <set>
#include <vector>

namespace {
using std::size_t;
using geometry = zmm::default_geometry;
using lists = zmm::detail::span_lists<geometry>;
using chunk = lists::chunk_type;

// The chunks are headers only: the lists read nothing else.
std::vector<chunk> make_chunks(size_t count) { return std::vector<chunk>(count); }

void insert(lists& into, chunk& c, size_t longest) {
  c.longest = static_cast<std::uint32_t>(longest);
  into.insert(&c);
}

// The class as documented: one for each length below 16, then four equal parts of each doubling.
size_t documented_class(size_t length) {
  if (length < 16) return length;
  size_t at = 16, from = 16;
  while (length >= 2 * from) {
    from *= 2;
    at += 4;
  }
  return at + (length - from) / (from / 4);
}

TEST_CASE("span_lists: classes are as documented and grow with the length") {
  for (size_t length = 0; length <= 4096; ++length) {
    REQUIRE(lists::class_of(length) == documented_class(length));
    if (length == 0) continue;
    size_t const step = lists::class_of(length) - lists::class_of(length - 1);
    REQUIRE(step <= 1);  // none is left out
  }
  CHECK(lists::classes == documented_class(512) + 1);
}

TEST_CASE("span_lists: lengths of one class differ by less than a quarter") {
  size_t first = 1;
  for (size_t length = 1; length <= 4096; ++length) {
    if (lists::class_of(length) != lists::class_of(first)) first = length;
    REQUIRE((length - first) * 4 < first);
  }
}

TEST_CASE("span_lists: in a large set find returns a chunk that fits if a class above has one") {
  std::vector<chunk> chunks = make_chunks(60);
  std::set<chunk*> in;
  lists all;
  zmm_test::random_source random{7};
  size_t found_own = 0, found_above = 0, found_none = 0;
  for (size_t step = 0; step < zmm_test::scaled(20000); ++step) {
    if (step % 1000 == 0 && random.one_in(2)) {
      for (chunk* c : in) all.remove(c);
      in.clear();
    }
    chunk* const c = &chunks[random.below(chunks.size())];
    size_t const longest = random.one_in(2) ? random.below(512) : random.below(40);
    if (in.count(c) == 0) {
      insert(all, *c, longest);
      in.insert(c);
    } else if (random.one_in(3)) {
      all.remove(c);
      in.erase(c);
    } else {
      all.relist(c, longest);
      REQUIRE(c->longest == longest);
    }

    size_t const count = random.one_in(2) ? random.between(1, 511) : random.between(1, 40), own = lists::class_of(count);
    size_t in_own = 0, fit_own = 0, lowest_above = lists::classes;
    for (chunk* each : in) {
      size_t const at = lists::class_of(each->longest);
      in_own += at == own;
      fit_own += at == own && each->longest >= count;
      if (at > own && at < lowest_above) lowest_above = at;
    }
    chunk* const found = all.find(count);
    if (found == nullptr) {
      ++found_none;
      REQUIRE(lowest_above == lists::classes);
      if (in_own <= 3) REQUIRE(fit_own == 0);
      continue;
    }
    REQUIRE(in.count(found) == 1);
    REQUIRE(found->longest >= count);
    size_t const at = lists::class_of(found->longest);
    ++(at == own ? found_own : found_above);
    if (at != own) REQUIRE(at == lowest_above);
    if (at != own && in_own <= 3) REQUIRE(fit_own == 0);
  }
  all.verify(nullptr);
  CHECK(found_own > 0);
  CHECK(found_above > 0);
  CHECK(found_none > 0);

  std::multiset<chunk*> visited;
  all.for_each([&](chunk* c) { visited.insert(c); });
  CHECK(visited == std::multiset<chunk*>(in.begin(), in.end()));
}

TEST_CASE("span_lists: a class below sixteen pages needs one try") {
  std::vector<chunk> chunks = make_chunks(16);
  lists all;
  for (size_t length = 1; length < 16; ++length) insert(all, chunks[length], length);
  for (size_t count = 1; count < 16; ++count) CHECK(all.find(count) == &chunks[count]);
  CHECK(all.find(16) == nullptr);
}

TEST_CASE("span_lists: only a few of a class are tried") {
  // Lengths of 64 and 79 pages share a class.
  REQUIRE(lists::class_of(64) == lists::class_of(79));
  std::vector<chunk> chunks = make_chunks(110);
  lists all;
  insert(all, chunks[0], 79);
  for (size_t i = 1; i <= 3; ++i) insert(all, chunks[i], 64);
  CHECK(all.find(70) == &chunks[0]);  // behind three that are too short
  for (size_t i = 4; i <= 100; ++i) insert(all, chunks[i], 64);
  CHECK(all.find(70) == nullptr);  // behind a hundred
  CHECK(all.find(64) == &chunks[100]);
  insert(all, chunks[101], 500);
  CHECK(all.find(70) == &chunks[101]);
  insert(all, chunks[102], 80);
  CHECK(all.find(70) == &chunks[102]);
  all.verify(nullptr);
}

TEST_CASE("span_lists: what a visitor unlinks is gone and the rest is visited") {
  std::vector<chunk> chunks = make_chunks(50);
  lists all;
  for (size_t i = 0; i < chunks.size(); ++i) insert(all, chunks[i], i % 5 * 30);
  size_t visited = 0;
  all.for_each([&](chunk* c) {
    ++visited;
    if (c->longest != 30) all.remove(c);
  });
  CHECK(visited == 50);
  all.verify(nullptr);
  size_t left = 0;
  all.for_each([&](chunk* c) {
    ++left;
    CHECK(c->longest == 30);
  });
  CHECK(left == 10);
  CHECK(all.find(31) == nullptr);
  CHECK(all.find(1) != nullptr);
}
}  // namespace
