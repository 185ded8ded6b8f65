// Memory runs out from outside: the system refuses, and every engine fails with std::bad_alloc and works on.
#include <zmm/zmm.hpp>

#include "../support/child.hpp"
#include "../support/sanitizers.hpp"
#include "../support/stop_recorder.hpp"
#include "../support/threads.hpp"
#include <atomic>
#include <cstring>
#include <doctest/doctest.h>
#include <new>
#include <vector>

namespace {
using std::size_t;

// Takes blocks of all kinds until there is no more, twice; what is freed in between is there again.
template <class Heap> bool fills_up_and_works_on(Heap& heap) {
  std::vector<std::pair<void*, size_t>> live;
  live.reserve(1'000'000);
  for (int round = 0; round < 2; ++round) {
    bool refused = false;
    for (size_t i = 0; !refused && live.size() < live.capacity(); ++i) {
      size_t const bytes = i % 50 == 49 ? size_t{3} << 20 : i % 10 == 9 ? 20'000 : 100 + i % 1000;
      try {
        void* const p = heap.allocate(bytes);
        std::memset(p, 1, 8);
        live.emplace_back(p, bytes);
      } catch (std::bad_alloc const&) { refused = true; }
    }
    if (!refused) return false;
    heap.verify();
    for (auto const& [p, bytes] : live) heap.deallocate(p, bytes);
    live.clear();
    heap.verify();
    if (heap.stats().live_blocks != 0) return false;
    void* const p = heap.try_allocate(100);
    if (p == nullptr) return false;
    heap.deallocate(p, 100);
  }
  return true;
}

// In a child: the parent's limits stay as they are.
template <class Heap, class... Args> void under_address_limit(Args&... args) {
  auto const child = zmm_test::run_in_child([&] {
    Heap heap{args...};
    if (!zmm_test::limit_to(RLIMIT_AS, zmm_test::mapped_bytes() + (size_t{200} << 20))) ::_exit(2);
    if (!fills_up_and_works_on(heap)) ::_exit(1);
  });
  CHECK(child.finished);
  CHECK_MESSAGE(!child.stopped, child.what);
}

// Sanitizers take terabytes of addresses for themselves: nothing runs under this limit with one.
bool const limits_addresses = !zmm_test::under_address_sanitizer && !zmm_test::under_thread_sanitizer;

TEST_CASE("exhaustion: the address space is used up" * doctest::skip(!limits_addresses)) {
  under_address_limit<zmm::heap>();
  under_address_limit<zmm::hardened_heap>();
  under_address_limit<zmm::synchronized_heap>();
  under_address_limit<zmm::hardened_synchronized_heap>();
  under_address_limit<zmm::request_heap>();
  under_address_limit<zmm::hardened_request_heap>();
  under_address_limit<zmm::segment_heap>();
  under_address_limit<zmm::hardened_segment_heap>();
}

// Every mapping counts; a guard page makes two of one.
template <class Heap> void near_map_count(size_t blocks) {
  auto const child = zmm_test::run_in_child([&] {
    Heap heap;
    std::vector<void*> live;
    for (size_t i = 0; i < blocks; ++i) {
      void* const p = heap.try_allocate(size_t{2} << 20);
      if (p == nullptr) break;
      *static_cast<char*>(p) = 1;
      live.push_back(p);
    }
    if (live.size() < (sizeof(void*) == 4 ? 400 : 1000))
      ::_exit(1);  // MIPS has 2 GiB of addresses; with its guard page a block takes 4 MiB
    for (void* p : live) heap.deallocate(p, size_t{2} << 20);
    heap.verify();
    if (heap.stats().live_blocks != 0) ::_exit(1);
  });
  CHECK(child.finished);
  CHECK_MESSAGE(!child.stopped, child.what);
}

TEST_CASE("exhaustion: more huge blocks than can have guard pages") {
  near_map_count<zmm::hardened_heap>(20'000);
  near_map_count<zmm::hardened_segment_heap>(20'000);
}

// 64 requests at once want more than twice what their pool may take. Who is refused ends, and so the last ones are served;
// who is served keeps what it has until all have tried, so that not all can be.
template <class Request>
void fill(zmm::request_pool& pool, size_t seed, zmm_test::meeting& all_tried, std::atomic<size_t>& served,
          std::atomic<size_t>& refused) {
  Request request{pool};
  try {
    for (size_t i = 0; i < 200; ++i) std::memset(request.allocate(500 + (seed + i) * 37 % 5000), 1, 100);
    ++served;
  } catch (zmm::memory_limit_exceeded const&) {
    request.verify();
    request.release();
    ++refused;
  }
  all_tried.wait();
  request.verify();
}

TEST_CASE("exhaustion: a pool's limit under 64 requests at once") {
  zmm::request_pool pool;
  REQUIRE(pool.set_limit(size_t{16} << 20));
  constexpr size_t requests = 64, rounds = 10;
  std::atomic<size_t> served{0}, refused{0}, served_alone{0};
  zmm_test::meeting all_tried(requests), all_ended(requests);
  zmm_test::in_threads(requests, [&](size_t seed) {
    for (size_t round = 0; round < rounds; ++round) {
      if (seed % 2 == 0) fill<zmm::request_heap>(pool, seed + round, all_tried, served, refused);
      else fill<zmm::hardened_request_heap>(pool, seed + round, all_tried, served, refused);
      all_ended.wait();
      if (seed == 0) {  // nobody else is there: whatever was refused before, there is room again
        zmm::hardened_request_heap alone{pool};
        if (alone.try_allocate(size_t{1} << 20) != nullptr) ++served_alone;
        if (pool.real_size() > pool.limit()) FAIL_CHECK("the limit was passed");
      }
      all_ended.wait();
    }
  });
  CHECK(served + refused == requests * rounds);
  CHECK(served >= rounds);
  CHECK(refused >= rounds);
  CHECK(served_alone == rounds);
  pool.verify();
  CHECK(pool.real_peak() <= pool.limit());
  CHECK(pool.stats().in_flight == 0);
}
}  // namespace
