// Random walks through the members of debug heaps: their figures are of the bytes asked for, and exact.
#include <zmm/debug.hpp>
#include <zmm/segment_resource.hpp>

#include "../support/checking_storage.hpp"
#include "../support/failing_storage.hpp"
#include "../support/seeded_walk.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <vector>

namespace {
using namespace zmm_test;

// Walks release their heaps with live blocks in them.
std::size_t reports = 0;
void count_report(zmm::leak_report const&) noexcept { ++reports; }

// A plain walk, one with limits and hook, one over a storage that refuses, and one with both.
template <class Heap> void walk(std::uint64_t first_seed) {
  walk_counts met;
  reports = 0;
  zmm::leak_sink const before = zmm::set_leak_sink(&count_report);
  for (std::uint64_t seed = first_seed; seed < first_seed + walk_seeds(); ++seed) {
    seeded_walk<Heap>(seed, walk_steps(10000), met);
  }
  zmm::set_leak_sink(before);
  if (!by_address<Heap>) CHECK(reports == 0);  // requests drop what they have: that is no leak
  CHECK(met.failures > 0);
  CHECK(met.hook_calls > 0);
  CHECK(met.resizes > 0);
}

TEST_CASE("debug: random walk of a heap") { walk<zmm::debug_heap>(1000); }
TEST_CASE("debug: random walk of a request") { walk<zmm::debug_request_heap>(2000); }
TEST_CASE("debug: random walk of a synchronized heap") { walk<zmm::debug_synchronized_heap>(3000); }
TEST_CASE("debug: random walk of a segment heap") { walk<zmm::debug_segment_heap>(8000); }
TEST_CASE("debug: random walk of a segment heap that is hardened too") {
  walk<zmm::basic_segment_heap<debug_hardened>>(9000);
}
TEST_CASE("debug: random walk of a heap with 256 KiB chunks") { walk<zmm::basic_heap<debug_small>>(4000); }
TEST_CASE("debug: random walk of a request with 256 KiB chunks") { walk<zmm::basic_request_heap<debug_small>>(5000); }
TEST_CASE("debug: random walk of a heap that is hardened too") { walk<zmm::basic_heap<debug_hardened>>(6000); }
TEST_CASE("debug: random walk of a request that is hardened too") {
  walk<zmm::basic_request_heap<debug_hardened>>(7000);
}

// Under AddressSanitizer a root is forgotten with the size it was noted with: here that of a block that lies in a larger one.
TEST_CASE("walk of huge blocks: a heap ends while one of them lies in a larger one that was kept") {
  zmm::heap heap;
  std::vector<void*> blocks;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 4; ++i) blocks.push_back(heap.allocate(3400000));
    for (; !blocks.empty(); blocks.pop_back()) heap.deallocate(blocks.back(), 3400000);
  }
  CHECK(heap.allocate(3000000) != nullptr);
  heap.verify();
}
}  // namespace
