// Which chunks a heap keeps: Zend's running average, and what a program that repeats itself therefore never pays twice.
#include <zmm/zmm.hpp>

#include "../support/counting_storage.hpp"
#include <doctest/doctest.h>
#include <vector>

namespace {
using std::size_t;
constexpr size_t chunk = size_t{2} << 20;

void fill_chunks(zmm::heap& heap, size_t count) {
  for (size_t i = 0; i < count; ++i) (void)heap.allocate(chunk - 4096);
}

TEST_CASE("cache: a heap that repeats the same work takes nothing from storage after a few rounds") {
  zmm_test::counting_storage source;
  zmm::heap heap{source};
  for (int round = 0; round < 10; ++round) {
    fill_chunks(heap, 6);
    heap.release();
  }
  size_t const before = source.takings();
  for (int round = 0; round < 50; ++round) {
    fill_chunks(heap, 6);
    heap.release();
  }
  CHECK(source.takings() == before);
}

TEST_CASE("cache: the average follows the work down, and chunks go back") {
  zmm_test::counting_storage source;
  zmm::heap heap{source};
  for (int round = 0; round < 10; ++round) {
    fill_chunks(heap, 32);
    heap.release();
  }
  CHECK(heap.stats().cached_chunks >= 16);
  for (int round = 0; round < 20; ++round) {
    fill_chunks(heap, 1);
    heap.release();
  }
  CHECK(heap.stats().cached_chunks <= 2);
  CHECK(heap.real_size() == source.live());
  heap.verify();
}

TEST_CASE("cache: release keeps about the average, and not more") {
  zmm_test::counting_storage source;
  zmm::heap heap{source};
  fill_chunks(heap, 8);
  heap.release();  // average (1 + 8) / 2 = 4.5
  zmm::statistics const s = heap.stats();
  CHECK(s.chunks + s.cached_chunks >= 4);
  CHECK(s.chunks + s.cached_chunks <= 6);
  CHECK(s.real_size >= (s.chunks + s.cached_chunks) * chunk);
  CHECK(s.real_size <= (s.chunks + s.cached_chunks) * chunk + 65536);  // the heap's own index of its chunks
}

TEST_CASE("cache: trim gives every cached chunk back") {
  zmm_test::counting_storage source;
  zmm::heap heap{source};
  for (int round = 0; round < 5; ++round) {
    fill_chunks(heap, 8);
    heap.release();
  }
  size_t const cached = heap.stats().cached_chunks;
  REQUIRE(cached > 0);
  CHECK(heap.trim() >= cached * chunk);
  CHECK(heap.stats().cached_chunks == 0);
  CHECK(heap.real_size() == source.live());
  CHECK(heap.real_size() <= chunk);
  heap.verify();
}

TEST_CASE("cache: crossing a chunk boundary to and fro stops costing storage calls") {
  zmm_test::counting_storage source;
  zmm::heap heap{source};
  std::vector<void*> base;
  for (int i = 0; i < 3; ++i) base.push_back(heap.allocate(chunk - 4096));
  size_t before = 0;
  for (int i = 0; i < 200; ++i) {
    if (i == 20) before = source.allocations;
    void* p = heap.allocate(chunk - 4096);
    heap.deallocate(p);
  }
  CHECK(source.allocations == before);
  for (void* p : base) heap.deallocate(p);
}

TEST_CASE("cache: a thousand request cycles of changing size do not make a heap grow without bound") {
  zmm_test::counting_storage source;
  zmm::heap heap{source};
  size_t most = 0;
  for (size_t round = 0; round < 1000; ++round) {
    for (size_t i = 0; i < 50 + round * 37 % 400; ++i) {
      void* p = heap.allocate(1 + (i * 797 + round * 31) % 30000);
      if (i % 3 == 0) heap.deallocate(p);
    }
    heap.release();
    if (round >= 100 && heap.real_size() > most) {
      CHECK(round < 500);  // a new high late on would be growth
      most = heap.real_size();
    }
  }
  CHECK(most <= 16 * chunk);
  heap.verify();
}
}  // namespace
