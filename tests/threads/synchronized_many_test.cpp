// Many heaps at a time, many threads, many owners: nothing is lost, and no figure wraps.
#include <zmm/zmm.hpp>

#include "../support/scale.hpp"
#include "../support/threads.hpp"
#include <atomic>
#include <cstdint>
#include <doctest/doctest.h>
#include <memory>
#include <thread>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;

std::vector<std::unique_ptr<zmm::synchronized_heap>> make_heaps(size_t count) {
  std::vector<std::unique_ptr<zmm::synchronized_heap>> heaps;
  for (size_t i = 0; i < count; ++i) heaps.push_back(std::make_unique<zmm::synchronized_heap>());
  return heaps;
}

// Heaps beyond those that have an entry in each thread's record, in use by two threads in turn.
TEST_CASE("synchronized_heap: more heaps than a record has entries lose no slot") {
  auto const others = make_heaps(zmm::detail::thread_record::own_entries + 40);
  for (size_t const which : {size_t{3}, others.size() - 1}) {
    zmm::synchronized_heap& heap = *others[which];
    size_t real = 0;
    for (size_t round = 0; round < 40; ++round) {
      std::vector<void*> mine, foreign;
      for (int i = 0; i < 2000; ++i) mine.push_back(heap.allocate(64, 8));
      in_a_thread([&] {
        for (int i = 0; i < 10; ++i) foreign.push_back(heap.allocate(64, 8));
      });
      for (void* p : mine) heap.deallocate(p, 64, 8);
      for (void* p : foreign) heap.deallocate(p, 64, 8);
      heap.deallocate(heap.allocate(64, 8), 64, 8);
      if (round == 3) real = heap.real_size();
    }
    CHECK(heap.real_size() == real);
    (void)heap.collect();
    heap.verify();
    CHECK(heap.stats().live_blocks == 0);
  }
}

TEST_CASE("synchronized_heap: a thread finds its cache of each of a thousand heaps again") {
  auto const heaps = make_heaps(1000);
  for (int round = 0; round < 3; ++round)
    for (auto const& heap : heaps) heap->deallocate(heap->allocate(100, 8), 100, 8);
  for (auto const& heap : heaps) {
    CHECK(heap->real_size() < chunk + 16 * zmm::os_page_size());  // one cache, not one for each round
    CHECK(heap->stats().live_blocks == 0);
  }
}

TEST_CASE(
    "synchronized_heap: a heap made while five hundred lived is found after they are gone, and others in its stead") {
  auto first = make_heaps(zmm::detail::thread_record::own_entries);
  auto late = make_heaps(3);
  for (auto const& heap : first) heap->deallocate(heap->allocate(8), 8);
  for (auto const& heap : late) heap->deallocate(heap->allocate(8), 8);
  first.clear();
  auto const again = make_heaps(100);
  for (auto const& heap : again) {
    void* const p = heap->allocate(8);
    CHECK(heap->stats().live_blocks == 1);
    heap->deallocate(p, 8);
  }
  for (auto const& heap : late) {
    void* const p = heap->allocate(8);
    CHECK(heap->stats().live_blocks == 1);
    heap->deallocate(p, 8);
    heap->verify();
  }
}

TEST_CASE("synchronized_heap: threads that need little fit under a small limit, all at once") {
  zmm::synchronized_heap heap;
  REQUIRE(heap.set_limit(2 * chunk));
  std::atomic<size_t> served{0}, arrived{0};
  constexpr size_t threads = 64;
  in_threads(threads, [&](size_t) {
    void* const p = heap.try_allocate(16, 8);
    served += p != nullptr;
    ++arrived;
    while (arrived != threads) std::this_thread::yield();
    if (p != nullptr) heap.deallocate(p, 16, 8);
  });
  CHECK(served == threads);
  CHECK(heap.stats().live_blocks == 0);
}

TEST_CASE("synchronized_heap: figures that are taken while threads collect, end and exchange never wrap") {
  zmm::synchronized_heap heap;
  std::atomic<bool> over{false};
  std::atomic<size_t> wrapped{0};
  std::thread watcher([&] {
    while (!over) {
      zmm::statistics const s = heap.stats();
      wrapped += s.live_blocks > ~size_t{0} / 2 || s.size > ~size_t{0} / 2 || s.size > s.peak;
    }
  });
  for (size_t round = 0; round < scaled(60); ++round) {
    std::vector<std::atomic<void*>> passed(2000);
    in_threads(3, [&](size_t thread) {
      for (size_t i = 0; i < passed.size(); ++i) {
        void* const old = passed[i].exchange(heap.allocate(64, 8));
        if (old != nullptr) heap.deallocate(old, 64, 8);
        if (thread == 0 && i % 400 == 0) (void)heap.collect();
      }
    });
    for (auto& p : passed) heap.deallocate(p.load(), 64, 8);
  }
  over = true;
  watcher.join();
  CHECK(wrapped == 0);
  CHECK(heap.stats().live_blocks == 0);
  heap.verify();
}

// One thread frees what many have allocated, in turn: how many there are does not matter to what it touches.
TEST_CASE("synchronized_heap: one thread frees the blocks of a hundred others, and all are used again") {
  zmm::synchronized_heap heap;
  constexpr size_t producers = 100, each = 300;
  std::vector<std::vector<void*>> made(producers);
  for (auto& blocks : made)
    in_a_thread([&] {
      for (size_t i = 0; i < each; ++i) blocks.push_back(heap.allocate(64, 8));
    });
  size_t const real = heap.real_size();
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < each; ++i)
      for (auto& blocks : made) heap.deallocate(blocks[i], 64, 8);
    CHECK(heap.stats().live_blocks == 0);
    for (auto& blocks : made)
      in_a_thread([&] {
        for (void*& p : blocks) p = heap.allocate(64, 8);
      });
    CHECK(heap.stats().live_blocks == producers * each);
    CHECK(heap.real_size() <= real + 64 * 1024);
    heap.verify();
  }
  for (auto& blocks : made)
    for (void* p : blocks) heap.deallocate(p, 64, 8);
}
// Nobody collects: of what threads have left, all but a budget becomes empty chunks, which are cached or storage's.
TEST_CASE("synchronized_heap: runs that are left behind in bulk are found without being asked for") {
  zmm::synchronized_heap heap;
  constexpr size_t threads = 8, each = 160'000;
  std::vector<std::vector<void*>> blocks(threads, std::vector<void*>(each));
  in_threads(threads, [&](size_t thread) {
    for (void*& p : blocks[thread]) p = heap.allocate(200, 8);
  });
  size_t const most = heap.stats().chunks;
  in_a_thread([&] {
    for (auto const& of_one : blocks)
      for (void* p : of_one) heap.deallocate(p, 200, 8);
  });
  zmm::statistics const s = heap.stats();
  CHECK(s.live_blocks == 0);
  CHECK(most > 100);
  CHECK(s.chunks <= most / 4);
  heap.verify();
}
}  // namespace
