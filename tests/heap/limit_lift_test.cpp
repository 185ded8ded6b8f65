// A limit that is lifted by a guard: what it lets through, and what is left afterwards.
#include <zmm/zmm.hpp>

#include <doctest/doctest.h>
#include <type_traits>
#include <vector>

namespace {
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;
constexpr size_t no_limit = ~size_t{0};

#define HEAPS zmm::heap, zmm::segment_heap, zmm::hardened_segment_heap

TEST_CASE_TEMPLATE("lift: the limit does not bind while it lives, and binds again afterwards", Heap, HEAPS) {
  Heap heap;
  REQUIRE(heap.set_limit(chunk));
  CHECK(heap.try_allocate(2 * chunk) == nullptr);
  {
    zmm::limit_lift lift{heap};
    CHECK(heap.try_allocate(2 * chunk) != nullptr);
    {
      zmm::limit_lift inner{heap};
      CHECK(heap.try_allocate(2 * chunk) != nullptr);
    }
    CHECK(heap.try_allocate(2 * chunk) != nullptr);  // the outer one still lifts
    CHECK(heap.limit() == chunk);
  }
  CHECK(heap.try_allocate(2 * chunk) == nullptr);
  CHECK(heap.remaining() == 0);
  heap.verify();
  static_assert(!std::is_copy_constructible_v<zmm::limit_lift<Heap>>);
  static_assert(noexcept(zmm::limit_lift<Heap>{heap}));
}

TEST_CASE_TEMPLATE("lift: what is freed or released afterwards is not kept beyond the limit", Heap, HEAPS, zmm::synchronized_heap) {
  Heap heap;
  for (int round = 0; round < 6; ++round) {  // in a few rounds the heap learns to keep what it needs each time
    std::vector<void*> blocks, huge;
    REQUIRE(heap.set_limit(no_limit));
    for (int i = 0; i < 200; ++i) blocks.push_back(heap.allocate(100'000));
    for (int i = 0; i < 4; ++i) huge.push_back(heap.allocate(5 * chunk));
    for (void* p : blocks) heap.deallocate(p, 100'000);
    for (void* p : huge) heap.deallocate(p, 5 * chunk);
    if (round == 5) CHECK(heap.real_size() > 4 * chunk);
    heap.release();
  }
  heap.trim();
  REQUIRE(heap.set_limit(4 * chunk));
  for (bool const frees : {true, false}) {
    CAPTURE(frees);
    std::vector<void*> blocks, huge;
    {
      zmm::limit_lift lift{heap};
      for (int i = 0; i < 200; ++i) blocks.push_back(heap.allocate(100'000));
      for (int i = 0; i < 4; ++i) huge.push_back(heap.allocate(5 * chunk));
    }
    REQUIRE(heap.real_size() > 8 * chunk);
    for (void* p : blocks) frees ? heap.deallocate(p, 100'000) : void();
    for (void* p : huge) frees ? heap.deallocate(p, 5 * chunk) : void();
    if (!frees) heap.release();
    CHECK(heap.real_size() <= heap.limit());
    heap.verify();
  }
}

// `kept` chunks in huge blocks that the heap has learned to keep.
template <class Heap> void learn_to_keep(Heap& heap, size_t kept) {
  for (int round = 0; round < 8; ++round) {
    std::vector<void*> huge;
    for (size_t i = 0; i < kept / 3; ++i) huge.push_back(heap.allocate(3 * chunk));
    for (void* p : huge) heap.deallocate(p, 3 * chunk);
  }
  REQUIRE(heap.real_size() >= kept * chunk);
}

TEST_CASE_TEMPLATE("lift: what is kept makes room, for what a lift takes and for what is asked for beyond the limit", Heap, HEAPS,
                   zmm::synchronized_heap) {
  Heap heap;
  learn_to_keep(heap, 6);
  REQUIRE(heap.set_limit(heap.real_size() + 2 * chunk));
  std::vector<void*> lifted;
  {
    zmm::limit_lift lift{heap};
    for (int i = 0; i < 8; ++i) lifted.push_back(heap.allocate(chunk * 3 / 2));  // of a size that is not kept
  }
  CHECK(heap.real_size() <= heap.limit() + 8 * chunk * 3 / 2 - 5 * chunk);  // what was kept went back
  for (int i = 0; i < 5; ++i) {
    heap.deallocate(lifted.back(), chunk * 3 / 2);
    lifted.pop_back();
  }
  CHECK(heap.real_size() <= heap.limit());
  CHECK(heap.try_allocate(chunk * 5 / 2) != nullptr);  // three blocks of the eight live: there is room at once
  heap.verify();
}

TEST_CASE_TEMPLATE("lift: what fits beside what is live is served beyond a lifted limit's excess", Heap, HEAPS, zmm::synchronized_heap) {
  Heap heap;
  learn_to_keep(heap, 6);
  REQUIRE(heap.set_limit(8 * chunk));
  {
    zmm::limit_lift lift{heap};
    CHECK(heap.allocate(5 * chunk) != nullptr);
  }
  CHECK(heap.try_allocate(chunk * 5 / 2) != nullptr);
  heap.verify();
}

TEST_CASE("lift: through a resource") {
  zmm::heap_resource resource;
  REQUIRE(resource.set_limit(chunk));
  {
    zmm::limit_lift lift{resource};
    CHECK(resource.allocate(3 * chunk, 16) != nullptr);
  }
  CHECK(resource.try_allocate(3 * chunk) == nullptr);
}
}  // namespace
