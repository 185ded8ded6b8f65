// What lies behind a block of pages in paranoid heaps: a write past its end is noticed, and nothing that its owner may use is touched.
#include <zmm/zmm.hpp>

#include "../support/engines.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include "../support/stop_recorder.hpp"
#include <doctest/doctest.h>
#include <cstring>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr bool can_run = !zmm::detail::under_sanitizer;  // there a watch knows each block
constexpr char past_end[] = "nothing was written past the end of a paged block";
constexpr size_t page = 4096, behind = 16;

template <class Heap> char* take(Heap& heap, size_t bytes) { return static_cast<char*>(heap.allocate(bytes, 16)); }
#define ENGINES zmm::paranoid_heap, zmm::paranoid_synchronized_heap, zmm::paranoid_request_heap, zmm::basic_heap<paranoid_small>
}  // namespace

TEST_CASE_TEMPLATE("page canary: a write past the end is noticed at the free", Heap, ENGINES) {
  if (!can_run) return;
  for (size_t const bytes : {10 * page - behind, 10 * page, 10 * page + 1, 40 * page - 100})
    for (size_t const past : {0u, 7u, 8u, 15u}) {
      CAPTURE(bytes);
      CAPTURE(past);
      CHECK(stop_of<Heap>([&](Heap& heap) {
              char* const block = take(heap, bytes);
              block[heap.usable_size(block, bytes, 16) + past] ^= 1;
              heap.deallocate(block, bytes, 16);
            }) == past_end);
    }
}
TEST_CASE_TEMPLATE("page canary: a write past the end is noticed by verify() and where the block changes its size", Heap, ENGINES) {
  if (!can_run) return;
  for (size_t const to : {12 * page, 20 * page, 30 * page})
    CHECK(stop_of<Heap>([&](Heap& heap) {
            char* const block = take(heap, 20 * page + 5);
            block[heap.usable_size(block, 20 * page + 5, 16)] ^= 1;
            static_cast<void>(heap.resize_in_place(block, 20 * page + 5, to + 10, to + 10));
            if (to == 20 * page) heap.verify();  // it stays as it is
          }) == past_end);
}
TEST_CASE("page canary: a write past the end is noticed at a request's end") {
  if (!can_run) return;
  for (bool const released : {false, true})
    CHECK(stop_of<zmm::paranoid_request_heap>([&](zmm::paranoid_request_heap& request) {
            char* const block = take(request, 10 * page);
            block[request.usable_size(block, 10 * page, 16)] ^= 1;
            if (released) request.release();
          }) == past_end);
}

TEST_CASE_TEMPLATE("page canary: all of a block may be written, whatever its size was and is", Heap, ENGINES) {
  Heap heap;
  random_source random{17};
  struct block {
    char* p;
    size_t bytes;
  };
  std::vector<block> live;
  size_t resized = 0;
  for (size_t i = 0; i < scaled(3000); ++i) {
    if (live.size() < 40) {
      size_t const bytes = random.one_in(2) ? random.between(1, 64) * page - random.between(0, 40) : random.between(33000, 300000);
      live.push_back({take(heap, bytes), bytes});
      size_t const usable = heap.usable_size(live.back().p, bytes, 16);
      CHECK(usable >= bytes);
      std::memset(live.back().p, 1, usable);
    } else {
      size_t const which = random.below(live.size());
      block& b = live[which];
      size_t const wanted = random.between(33000, 400000);
      if (size_t const got = heap.resize_in_place(b.p, b.bytes, wanted, wanted + random.between(0, 3 * page))) {
        ++resized;
        CHECK(got >= wanted);
        CHECK(heap.usable_size(b.p, wanted, 16) >= got);
        std::memset(b.p, 2, got);
        b.bytes = wanted;
      }
      if (random.one_in(2)) {
        heap.deallocate(b.p, b.bytes, 16);
        live[which] = live.back();
        live.pop_back();
      }
    }
    if (i % 100 == 0) heap.verify();
  }
  heap.verify();
  CHECK(resized > 0);
  for (block const& b : live) heap.deallocate(b.p, b.bytes, 16);
  heap.verify();
  CHECK(heap.stats().live_blocks == 0);
  CHECK(heap.stats().size == 0);
}

TEST_CASE_TEMPLATE("page canary: a block at the edge of what a chunk holds is a run or a huge block, and whole", Heap, ENGINES) {
  constexpr size_t chunk = chunk_bytes<Heap>;
  Heap heap;
  for (size_t less = 0; less <= 3 * page; less += less < 64 || less % page > page - 64 ? 1 : 64) {
    size_t const bytes = chunk - less;
    char* const block = take(heap, bytes);
    std::memset(block, 3, bytes);
    heap.deallocate(block, bytes, 16);
  }
  heap.verify();
  CHECK(heap.stats().size == 0);
}

TEST_CASE_TEMPLATE("page canary: a block takes two words, and a page more only where they need one", Heap, zmm::paranoid_heap,
                   zmm::paranoid_synchronized_heap) {
  if (!can_run) return;
  Heap heap;
  auto const usable = [&](size_t bytes) {
    void* const p = heap.allocate(bytes, 16);
    size_t const got = heap.usable_size(p);
    heap.deallocate(p, bytes, 16);
    return got;
  };
  CHECK(usable(10 * page - behind) == 10 * page - behind);
  CHECK(usable(10 * page - behind + 1) == 11 * page - behind);
  CHECK(usable(10 * page) == 11 * page - behind);
}
TEST_CASE("page canary: what a block grows over is zero, not the old words") {
  if (!can_run) return;
  zmm::paranoid_heap heap;
  char* const block = take(heap, 10 * page - behind);
  size_t const got = heap.resize_in_place(block, 10 * page - behind, 20 * page, 20 * page);
  REQUIRE(got >= 20 * page);
  for (size_t i = 10 * page - behind; i < 20 * page; ++i) REQUIRE(block[i] == 0);
  heap.deallocate(block, 20 * page, 16);
}
#undef ENGINES
