// What happens to freed huge blocks that are kept while small blocks take chunks: counted in calls of storage.
#include <zmm/zmm.hpp>

#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include <doctest/doctest.h>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t mib = size_t{1} << 20, chunk = 2 * mib;

// Takes and drops four blocks of `bytes` until they are kept.
template <class Heap> void learn(Heap& heap, size_t bytes) {
  for (int round = 0; round < 20; ++round) {
    void* blocks[4];
    for (void*& p : blocks) p = heap.allocate(bytes, 16);
    for (void* p : blocks) heap.deallocate(p);
  }
}
size_t calls_of(counting_storage const& source) { return source.takings() + source.deallocations + source.truncations; }

#define CHUNK_HEAPS zmm::heap, zmm::hardened_heap, zmm::synchronized_heap, zmm::basic_heap<small_chunks>

TEST_CASE_TEMPLATE("kept: huge blocks of the past give way to chunks, one for one", Heap, CHUNK_HEAPS) {
  for (size_t huge : {3 * mib, 40 * mib}) {
    CAPTURE(huge);
    counting_storage source;
    Heap heap{source};
    learn(heap, huge);
    size_t const kept = heap.real_size();
    REQUIRE(kept >= 4 * huge);
    size_t const before = calls_of(source);
    std::vector<void*> blocks;
    for (size_t live = 0; live < kept; live += 2000) blocks.push_back(heap.allocate(2000, 16));
    size_t const chunks = heap.stats().chunks;
    CHECK(heap.real_peak() <= kept + kept / 8 + 2 * chunk);  // 2000 bytes are a slot of 2048, and a chunk has headers
    CHECK(heap.real_size() <= (chunks + 2) * chunk_bytes<Heap> + huge);
    CHECK(calls_of(source) - before <= 2 * chunks + 2);
    heap.verify();
    for (void* p : blocks) heap.deallocate(p);
  }
}

TEST_CASE_TEMPLATE("kept: huge blocks that come and go stay while chunks are taken", Heap, CHUNK_HEAPS) {
  counting_storage source;
  Heap heap{source};
  learn(heap, 3 * mib);
  size_t const before = calls_of(source), chunks = heap.stats().chunks;
  std::vector<void*> blocks;
  for (int round = 0; round < 100; ++round) {
    void* huge[4];
    for (void*& p : huge) p = heap.allocate(3 * mib, 16);
    for (size_t live = 0; live < chunk_bytes<Heap> / 8; live += 1000) blocks.push_back(heap.allocate(1000, 16));
    for (void* p : huge) heap.deallocate(p, 3 * mib, 16);
  }
  CHECK(calls_of(source) - before <= heap.stats().chunks - chunks + 4);
  heap.verify();
  for (void* p : blocks) heap.deallocate(p);
}
}  // namespace
