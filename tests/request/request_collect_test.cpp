// What a request gives back before it ends: slabs without a live block, looked for by itself or by collect().
#include <zmm/hardened.hpp>
#include <zmm/zmm.hpp>

#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include "../support/stop_recorder.hpp"
#include <cstring>
#include <doctest/doctest.h>
#include <utility>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t mib = size_t{1} << 20, slab = mib / 4;
// Under a sanitizer each block has red zones, and freed ones wait.
constexpr size_t scale = zmm::detail::under_sanitizer ? 4 : 1;

struct block {
  char* at;
  size_t bytes, alignment;
  char mark;
  bool is_whole() const {
    return at[0] == mark && std::memcmp(at, at + 1, bytes - 1) == 0;
  }
};
template <class Heap> block take(Heap& heap, size_t bytes, size_t alignment, char mark) {
  block const b{static_cast<char*>(heap.allocate(bytes, alignment)), bytes, alignment, mark};
  std::memset(b.at, mark, bytes);
  return b;
}
template <class Heap> void give(Heap& heap, block const& b) { heap.deallocate(b.at, b.bytes, b.alignment); }

template <class Heap> std::vector<block> fill(Heap& heap, size_t bytes, size_t total, size_t alignment = 8) {
  std::vector<block> all;
  for (size_t i = 0; i < total / bytes; ++i) all.push_back(take(heap, bytes, alignment, static_cast<char>(i)));
  return all;
}

TEST_CASE_TEMPLATE("request: what one size has left serves the next, though a block lives", Heap, zmm::request_heap,
                   zmm::hardened_request_heap, zmm::basic_request_heap<exact_peaks>) {
  zmm::request_pool pool;
  Heap heap{pool};
  std::vector<block> kept;
  size_t const total = 12 * mib;
  for (int size : {24, 48, 96, 160, 320, 640, 1280, 2560}) {
    auto const bytes = static_cast<size_t>(size);
    std::vector<block> all = fill(heap, bytes, total);
    kept.push_back(all[all.size() / 2]);
    for (block const& b : all) {
      if (b.at != kept.back().at) give(heap, b);
    }
    heap.verify();
  }
  // Tags take 8 bytes of each block, a third of the smallest; each phase leaves the slab that its kept block lies in.
  CHECK(heap.real_peak() <= scale * (total * 3 / 2 + 32 * slab));
  for (block const& b : kept) CHECK(b.is_whole());
  for (block const& b : kept) give(heap, b);
  heap.collect();
  CHECK(heap.real_size() == 0);
  heap.verify();
  pool.verify();
}

TEST_CASE("request: pages take the place of packed blocks that are free") {
  zmm::request_pool pool;
  zmm::request_heap heap{pool};
  block const kept = take(heap, 100, 8, 'k');
  for (block const& b : fill(heap, 100, 32 * mib)) give(heap, b);
  std::vector<block> const pages = fill(heap, 16384, 24 * mib);
  CHECK(heap.real_size() <= scale * 27 * mib);
  CHECK(heap.real_peak() <= scale * 37 * mib);
  for (block const& b : pages) give(heap, b);
  void* const huge = heap.allocate(30 * mib);
  CHECK(heap.real_size() <= scale * 33 * mib);
  heap.deallocate(huge, 30 * mib);
  CHECK(kept.is_whole());
  heap.verify();
}

TEST_CASE_TEMPLATE("request: collect gives back slabs without a live block", Heap, zmm::request_heap,
                   zmm::hardened_request_heap) {
  zmm::request_pool pool;
  Heap heap{pool};
  std::vector<block> all = fill(heap, 200, 16 * mib);
  size_t const full = heap.real_size();
  CHECK(heap.collect() == 0);
  std::vector<block> live(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2));
  for (size_t i = all.size() / 2; i < all.size(); ++i) give(heap, all[i]);
  size_t const won = heap.collect();
  CHECK(heap.real_size() == full - won);
  CHECK(won >= 7 * mib);
  CHECK(heap.collect() == 0);
  heap.verify();
  for (block const& b : live) CHECK(b.is_whole());
  CHECK(heap.stats().live_blocks == live.size());
  for (block const& b : fill(heap, 200, 16 * mib)) give(heap, b);  // what went and comes again is like fresh
  for (block const& b : live) CHECK(b.is_whole());
  heap.verify();
}

TEST_CASE("request: what is registered for the end keeps its slab") {
  zmm::request_pool pool;
  zmm::request_heap heap{pool};
  int ran = 0;
  std::vector<block> all;
  for (int i = 0; i < 4000; ++i) {
    for (block const& b : fill(heap, 900, 9000)) all.push_back(b);
    if (i % 1000 == 0) heap.on_end([&ran] { ++ran; });
  }
  for (block const& b : all) give(heap, b);
  CHECK(heap.collect() > 20 * mib);
  CHECK(heap.collect() == 0);
  heap.verify();
  heap.release();
  CHECK(ran == 4);
}

TEST_CASE("request: a limit is filled by any size after another") {
  zmm::request_pool pool;
  zmm::request_heap heap{pool};
  REQUIRE(heap.set_limit(16 * mib));
  block const kept = take(heap, 64, 8, 'k');
  for (int size : {64, 3000, 16, 500, 5000, 64, 1024}) {
    auto const bytes = static_cast<size_t>(size);
    std::vector<void*> got;
    while (void* const p = heap.try_allocate(bytes, 8)) got.push_back(p);
    CHECK(got.size() * bytes * scale >= 9 * mib);  // runs of 5000 bytes take two pages
    for (void* p : got) heap.deallocate(p, bytes, 8);
  }
  CHECK(kept.is_whole());
  heap.verify();
}

/// Takes and gives at random, with every call that may give slabs back in between; what lives keeps its contents.
template <class Heap> void walk(std::uint64_t seed, std::size_t rounds) {
  typename Heap::pool_type pool;
  random_source random{seed};
  alignas(64) static char buffer[40000];
  for (bool buffered : {false, true}) {
    Heap heap{buffered ? buffer : nullptr, buffered ? sizeof buffer : 0, pool};
    std::vector<block> live;
    size_t const top = Heap::geometry::chunk_bytes * 3;
    size_t bytes = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
      size_t const size = 1 + random.next() % (round % 3 == 0 ? 40 : 3072), spread = 1 + random.next() % size;
      size_t const goal = random.next() % top;
      while (bytes < goal) {
        size_t const alignment = size_t{1} << random.next() % 7, n = size + random.next() % spread + 1;
        live.push_back(take(heap, n, alignment, static_cast<char>(random.next())));
        bytes += n;
      }
      bool const in_order = random.next() % 2 == 0;
      size_t const least = random.next() % (top / 8);
      while (bytes > least && !live.empty()) {
        if (!in_order) std::swap(live[random.next() % live.size()], live.back());
        if (!live.back().is_whole()) FAIL("a live block was written to");
        give(heap, live.back());
        bytes -= live.back().bytes;
        live.pop_back();
      }
      if (random.next() % 2 == 0) heap.collect();
      if (random.next() % 4 == 0) heap.trim();
      heap.verify();
      CHECK(heap.stats().live_blocks == live.size());
      if (round % 8 == 7) {
        heap.release();
        live.clear();
        bytes = 0;
      }
    }
    for (block const& b : live) CHECK(b.is_whole());
  }
  pool.verify();
}
TEST_CASE("request: blocks of any kind, and slabs that come and go between them") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) walk<zmm::basic_request_heap<small_chunks>>(seed, scaled(40));
  walk<zmm::basic_request_heap<small_exact>>(4, scaled(40));
  walk<zmm::basic_request_heap<paranoid_small>>(5, scaled(40));
  walk<zmm::basic_request_heap<debug_small>>(6, scaled(10));
  walk<zmm::request_heap>(7, scaled(5));
}

TEST_CASE("request: slabs that others get are counted anew") {
  zmm::request_pool pool;
  for (int round = 0; round < 6; ++round) {
    zmm::request_heap one{pool}, other{pool};
    std::vector<block> ones, others;
    for (int i = 0; i < 12; ++i) {
      for (block const& b : fill(one, 128, mib)) ones.push_back(b);
      for (block const& b : fill(other, round % 2 == 0 ? 128 : 72, mib / 2)) others.push_back(b);
    }
    for (block const& b : ones) give(one, b);
    one.collect();
    for (block const& b : fill(other, 128, 6 * mib)) others.push_back(b);
    other.collect();
    one.verify();
    other.verify();
    for (block const& b : others) CHECK(b.is_whole());
  }
  pool.verify();
}

TEST_CASE("request: a block of a slab that went back to the system stops when it is freed again") {
  child_result const result = run_in_child([] {
    zmm::request_pool pool;
    zmm::hardened_request_heap heap{pool};
    std::vector<block> const all = fill(heap, 512, 32 * mib);
    for (size_t i = 1; i < all.size(); ++i) give(heap, all[i]);  // one lives: the request is not dropped whole
    heap.collect();
    pool.trim();
    give(heap, all[all.size() / 2]);  // neither in the first slab nor in the last
  });
  CHECK(result.stopped);
  CHECK(result.what == "a freed block lies in memory of this request");
}
}  // namespace
