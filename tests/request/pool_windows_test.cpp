// What a pool learns from the requests that have ended, window by window, however many threads they are on.
#include <zmm/zmm.hpp>

#include <atomic>
#include <doctest/doctest.h>
#include <thread>
#include <vector>

namespace {
using std::size_t;

/// Calls work(thread, round) in `threads` threads, one after the other, `rounds` times.
template <class Work> void in_turn(size_t threads, size_t rounds, Work work) {
  std::atomic<size_t> turn{0};
  std::vector<std::thread> running;
  for (size_t t = 0; t < threads; ++t)
    running.emplace_back([&, t] {
      for (size_t round = 0; round < rounds; ++round) {
        while (turn % threads != t) std::this_thread::yield();
        work(t, round);
        ++turn;
      }
    });
  for (std::thread& t : running) t.join();
}
void request_of(zmm::request_pool& pool, size_t blocks) {
  zmm::request_heap request{pool};
  for (size_t i = 0; i < blocks; ++i) static_cast<void>(request.allocate(128, 8));
}

TEST_CASE("pool windows: first slabs are large enough after 512 requests, on one thread or on many") {
  for (size_t const threads : {1u, 2u, 4u, 16u}) {
    CAPTURE(threads);
    zmm::request_pool pool;
    in_turn(threads, 512 / threads, [&](size_t, size_t) { request_of(pool, 1500); });
    zmm::request_heap request{pool};
    for (int i = 0; i < 1500; ++i) static_cast<void>(request.allocate(128, 8));
    CHECK(request.stats().chunks == 1);  // of a request: its slabs
    CHECK(pool.stats().ended == 512);
  }
}

TEST_CASE("pool windows: what a burst left goes back after some windows of small requests on many threads") {
  for (size_t const threads : {1u, 2u, 16u}) {
    CAPTURE(threads);
    zmm::request_pool pool;
    in_turn(threads, 1 + 1600 / threads, [&](size_t, size_t round) { request_of(pool, round == 0 ? 30'000 : 2); });
    CHECK(pool.stats().real_size <= 2 * zmm::default_geometry::chunk_bytes);
    pool.verify();
  }
}

TEST_CASE("pool windows: all requests are counted, whether or not they were learned from") {
  for (size_t const threads : {1u, 3u, 16u}) {
    zmm::request_pool pool;
    for (size_t const each : {1u, 7u, 100u}) {
      auto const before = pool.stats().ended;
      in_turn(threads, each, [&](size_t, size_t) { request_of(pool, 10); });
      CHECK(pool.stats().ended - before == threads * each);
    }
  }
}
}  // namespace
