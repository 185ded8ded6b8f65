// A smaller size never fails at a limit, whatever kind of block it was and becomes.
#include <zmm/zmm.hpp>

#include <cstring>
#include <doctest/doctest.h>
#include <vector>

namespace {
using std::size_t;

struct shrink {
  size_t from, to;
};
constexpr shrink shrinks[] = {{3000, 40},     {3000, 2000},       {64, 24},    {20'000, 100},
                              {20'000, 8192}, {500'000, 300'000}, {500'000, 1}};

template <class Heap> void shrink_at_the_limit(shrink s) {
  Heap heap;
  constexpr size_t limit = (size_t{2} << 20) + 64 * 1024;
  REQUIRE(heap.set_limit(limit));
  std::vector<unsigned char*> all;
  while (void* const p = heap.try_allocate(s.from)) {
    std::memset(p, 7, s.from);
    all.push_back(static_cast<unsigned char*>(p));
  }
  REQUIRE(!all.empty());
  CHECK(heap.try_reallocate(all[0], limit) == nullptr);  // larger ones do
  CHECK(all[0][s.from - 1] == 7);
  for (unsigned char*& p : all) {
    p = static_cast<unsigned char*>(heap.try_reallocate(p, s.to));
    REQUIRE(p != nullptr);
    CHECK(p[s.to - 1] == 7);
  }
  CHECK(heap.real_size() <=
        limit + (size_t{2} << 20));  // a chunk for the smaller slots, before the larger ones make whole runs
  CHECK(heap.limit() == limit);
  heap.verify();
  for (unsigned char* p : all) heap.deallocate(p, s.to);
  CHECK(heap.stats().live_blocks == 0);
  heap.verify();
}

TEST_CASE_TEMPLATE("reallocate: a smaller size does not fail at a limit", Heap, zmm::heap, zmm::hardened_heap,
                   zmm::synchronized_heap, zmm::hardened_synchronized_heap, zmm::segment_heap,
                   zmm::hardened_segment_heap) {
  for (shrink const s : shrinks) {
    CAPTURE(s.from);
    CAPTURE(s.to);
    shrink_at_the_limit<Heap>(s);
  }
}
}  // namespace
