// Checked heaps: what a free knows of runs without a look at the map holds whatever becomes of the runs.
#include <zmm/zmm.hpp>

#include "../support/engines.hpp"
#include "../support/stop_recorder.hpp"
#include <doctest/doctest.h>
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace {
using zmm_test::checked_small;
using zmm_test::child_result;
using zmm_test::run_in_child;
using std::size_t;

// As many blocks as fill some runs, the last one but for a few slots.
template <class Heap> std::vector<void*> fill(Heap& heap, size_t bytes, size_t count) {
  std::vector<void*> blocks;
  for (size_t i = 0; i < count; ++i) blocks.push_back(heap.allocate(bytes, 8));
  return blocks;
}
template <class Heap> void give_all(Heap& heap, std::vector<void*> const& blocks, size_t bytes) {
  for (void* p : blocks) heap.deallocate(p, bytes, 8);
}

// Under sanitizers a watch knows each block and says what is wrong in its own words.
constexpr bool can_run = !zmm::detail::under_sanitizer;

constexpr char free_twice[] = "a freed block is live";
constexpr char no_run[] = "a freed block is live, and starts where it was allocated";

// The stop that `misuse(heap)` ends at.
template <class Heap, class Misuse> std::string stop_of(Misuse misuse) {
  child_result const result = run_in_child([&] {
    Heap heap;
    misuse(heap);
  });
  return result.stopped ? result.what : "went on";
}
}  // namespace

TEST_CASE_TEMPLATE("checked heaps: a second free stops in the newest run and in each older one", Heap, zmm::checked_heap,
                   zmm::basic_heap<checked_small>, zmm::checked_synchronized_heap) {
  if (!can_run) return;
  for (size_t const bytes : {16u, 24u, 100u, 320u, 3000u}) {
    for (size_t const nth : {0u, 1u, 150u, 399u}) {
      CHECK(stop_of<Heap>([&](Heap& heap) {
              auto const blocks = fill(heap, bytes, 400);
              for (size_t i = 0; i < 400; i += 3) heap.deallocate(blocks[(i + 7) % 400], bytes, 8);
              std::vector<void*> live;
              for (size_t i = 0; i < 400; ++i)
                if ((i + 393) % 400 % 3 != 0) live.push_back(blocks[i]);
              void* const victim = live[nth % live.size()];
              heap.deallocate(victim, bytes, 8);
              heap.deallocate(victim, bytes, 8);
            }) == free_twice);
    }
  }
}

TEST_CASE_TEMPLATE("checked heaps: a block of a run that went back stops when it is freed again", Heap, zmm::checked_heap,
                   zmm::basic_heap<checked_small>, zmm::checked_synchronized_heap) {
  if (!can_run) return;
  for (size_t const nth : {0u, 200u, 511u}) {  // in runs that were known, and in the newest one, which was full
    CHECK(stop_of<Heap>([&](Heap& heap) {
            void* const keeps_the_chunk = heap.allocate(5000);
            auto const blocks = fill(heap, 64, 512);
            give_all(heap, blocks, 64);
            heap.collect();
            heap.deallocate(blocks[nth], 64, 8);
            heap.deallocate(keeps_the_chunk, 5000);
          }) == no_run);
  }
}

TEST_CASE_TEMPLATE("checked heaps: pages that a run of another bin takes over are not mistaken for the old one", Heap,
                   zmm::checked_heap, zmm::basic_heap<checked_small>) {
  if (!can_run) return;
  CHECK(stop_of<Heap>([](Heap& heap) {
          void* const keeps_the_chunk = heap.allocate(5000);
          auto const old = fill(heap, 64, 512);
          give_all(heap, old, 64);
          heap.collect();
          auto const blocks = fill(heap, 128, 256);
          auto const again = std::find(blocks.begin(), blocks.end(), old[0]);
          if (again == blocks.end()) return;
          heap.deallocate(old[0], 64, 8);
          heap.deallocate(keeps_the_chunk, 5000);
        }) == "a block is freed with the size and alignment it was allocated with");
}

TEST_CASE_TEMPLATE("checked heaps: a slot that was not handed out, and an address between slots, stop", Heap,
                   zmm::checked_heap, zmm::basic_heap<checked_small>) {
  if (!can_run) return;
  for (size_t const bytes : {24u, 48u, 320u}) {
    CHECK(stop_of<Heap>([&](Heap& heap) {
            auto* const block = static_cast<char*>(heap.allocate(bytes, 8));
            heap.deallocate(block + bytes, bytes, 8);
          }) == "a freed block was handed out");
    for (size_t const off : {8u, 16u}) {
      CHECK(stop_of<Heap>([&](Heap& heap) {
              auto* const block = static_cast<char*>(heap.allocate(bytes, 8));
              static_cast<void>(heap.allocate(bytes, 8));
              heap.deallocate(block + off, bytes, 8);
            }) == "a freed block starts where a slot does");
    }
  }
  // Behind the last slot of a run: 170 slots of 24 bytes leave 16 of a page.
  CHECK(stop_of<Heap>([](Heap& heap) {
          auto const blocks = fill(heap, 24, 171);
          heap.deallocate(blocks[0], 24, 8);
          heap.deallocate(static_cast<char*>(blocks[169]) + 24, 24, 8);
        }) == "a freed block starts where a slot does");
}

TEST_CASE("checked heaps: a block of before release() stops, in its place and where another bin's run is now") {
  if (!can_run) return;
  for (size_t const bytes : {64u, 200u}) {
    std::string const stopped = stop_of<zmm::checked_heap>([&](zmm::checked_heap& heap) {
      auto const old = fill(heap, 64, 512);
      for (size_t i = 0; i < 512; i += 2) heap.deallocate(old[i], 64, 8);
      heap.release();
      static_cast<void>(heap.allocate(bytes, 8));
      heap.deallocate(old[301], 64, 8);
    });
    CHECK(stopped != "went on");
  }
}

TEST_CASE("checked request heaps: a block says its bin, and no more") {
  zmm::request_pool pool;
  zmm::checked_request_heap request(pool);
  void* const block = request.allocate(50, 8);
  CHECK((!can_run || request.usable_size(block, 50, 8) == 56));  // a slot of 64, and the word in front
  CHECK((!can_run || request.resize_in_place(block, 50, 40, 40) == 0));
  CHECK((!can_run || request.resize_in_place(block, 50, 52, 100) == 56));
  request.deallocate(block, 53, 8);  // any size of the bin
  void* const wide = request.allocate(50, 64);
  CHECK(reinterpret_cast<std::uintptr_t>(wide) % 64 == 0);
  request.deallocate(wide, 50, 64);
  request.verify();
  CHECK(request.stats().live_blocks == 0);
}

TEST_CASE("checked request heaps: a block of 64 bytes' alignment is not freed as one of 8") {
  if (!can_run) return;
  child_result const result = run_in_child([] {
    zmm::request_pool pool;
    zmm::checked_request_heap request(pool);
    void* const wide = request.allocate(50, 64);
    request.deallocate(wide, 50, 8);
  });
  CHECK(result.stopped);
  CHECK(result.what == "a block is freed with the size and alignment it was allocated with");
}

TEST_CASE_TEMPLATE("paranoid heaps: a write to a freed block is noticed before it is handed out again", Heap,
                   zmm::paranoid_heap, zmm::paranoid_synchronized_heap) {
  if (!can_run) return;
  for (size_t const bytes : {40u, 300u, 3000u}) {
    for (size_t const at : {size_t{16}, bytes / 2, bytes - 1}) {
      CHECK(stop_of<Heap>([&](Heap& heap) {
              auto* const block = static_cast<char volatile*>(heap.allocate(bytes, 8));
              heap.deallocate(const_cast<char*>(block), bytes, 8);
              block[at] = 1;
              for (int i = 0; i < 100; ++i) static_cast<void>(heap.allocate(bytes, 8));
            }) == "nobody writes to a block after it was freed");
    }
  }
}
