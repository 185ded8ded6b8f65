// Checked heaps: what a free knows of runs without a look at the map holds whatever becomes of the runs.
#include <zmm/zmm.hpp>

#include "../support/engines.hpp"
#include "../support/stop_recorder.hpp"
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace {
using zmm_test::checked_small;
using zmm_test::child_result;
using zmm_test::run_in_child;
using zmm_test::stop_of;
using std::size_t;

struct wiping : zmm::checked_options {
  [[maybe_unused]] static constexpr bool zero_on_free = true;
};

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

// The stop that a call in a child ends at.
template <class Call> std::string stop_in(Call call) {
  child_result const result = run_in_child(call);
  return result.stopped ? result.what : result.finished ? "went on" : "crashed";
}

TEST_CASE_TEMPLATE("checked requests: another request's paged block is not resized, nor one that was freed", Options,
                   zmm::checked_options, zmm::hardened_options, zmm::paranoid_options) {
  if (!can_run) return;
  using request = zmm::basic_request_heap<Options>;
  for (size_t const bytes : {20'000u, 5'000'000u}) {
    CHECK(stop_in([&] {
            zmm::request_pool pool;
            request a(pool), b(pool);
            static_cast<void>(b.allocate(bytes));
            static_cast<void>(b.resize_in_place(a.allocate(bytes), bytes, bytes / 2, bytes / 2));
          }) == "a freed paged block belongs to this request");
    std::string const freed = stop_in([&] {
      zmm::request_pool pool;
      request a(pool);
      void* const block = a.allocate(bytes);
      a.deallocate(block, bytes);
      static_cast<void>(a.resize_in_place(block, bytes, bytes / 2, bytes / 2));
    });
    CHECK(freed != "went on");
    CHECK(freed != "crashed");
  }
}

TEST_CASE_TEMPLATE("checked requests: a pointer to anywhere stops, and is not read", Options, zmm::checked_options,
                   zmm::hardened_options, zmm::paranoid_options) {
  if (!can_run) return;
  for (std::uintptr_t const at : {std::uintptr_t{16}, std::uintptr_t{1} << 46, 0 - std::uintptr_t{16}, 0 - std::uintptr_t{1024}}) {
    for (bool const is_used : {false, true}) {
      CHECK(stop_in([&] {
              zmm::request_pool pool;
              zmm::basic_request_heap<Options> a(pool);
              if (is_used) a.deallocate(a.allocate(16), 16);
              a.deallocate(reinterpret_cast<void*>(at), 16);
            }) == "a freed block lies in memory of this request");
    }
  }
}

TEST_CASE("checked requests: the start of a caller's buffer is no block, and what lies in front of it is not read") {
  if (!can_run) return;
  for (bool const resizes : {false, true}) {
    std::string const stopped = stop_in([&] {
      size_t const page = 4096;
      char* const pages = static_cast<char*>(::mmap(nullptr, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
      ::mprotect(pages + page, 2 * page, PROT_READ | PROT_WRITE);
      zmm::request_pool pool;
      zmm::checked_request_heap a(pages + page, 2 * page, pool);
      static_cast<void>(a.allocate(16));
      if (resizes) static_cast<void>(a.resize_in_place(pages + page, 16, 8, 8));
      else a.deallocate(pages + page, 16);
    });
    CHECK(stopped == (resizes ? "a resized block is live" : "a freed block starts where it was allocated"));
  }
}

TEST_CASE_TEMPLATE("hardened heaps: a size that wraps leads to no word outside of the heap", Heap, zmm::checked_heap,
                   zmm::hardened_heap, zmm::paranoid_heap, zmm::hardened_synchronized_heap) {
  if (!can_run) return;
  for (size_t const wraps : {~size_t{0}, ~size_t{0} - 6, ~size_t{0} - 40}) {
    for (bool const at_start : {false, true}) {
      std::string const stopped = stop_in([&] {
        Heap heap;
        auto const block = reinterpret_cast<std::uintptr_t>(heap.allocate(100));
        heap.deallocate(heap.allocate(64), 64);
        std::uintptr_t const chunk = block & ~(std::uintptr_t{2 << 20} - 1);
        heap.deallocate(reinterpret_cast<void*>(at_start ? chunk : block), wraps);
      });
      CHECK(stopped != "went on");
      CHECK(stopped != "crashed");
    }
  }
}

TEST_CASE("checked synchronized heaps: a slot that this thread was not handed out yet stops, without its size too") {
  if (!can_run) return;
  for (int const how : {0, 1, 2}) {
    CHECK(stop_in([&] {
            zmm::checked_synchronized_heap heap;
            void* const fresh = static_cast<char*>(heap.allocate(64)) + 128;
            if (how == 0) heap.deallocate(fresh);
            else if (how == 1) static_cast<void>(heap.usable_size(fresh));
            else static_cast<void>(heap.resize_in_place(fresh, 64, 60, 60));
          }) == "a freed block was handed out");
  }
}

TEST_CASE("checked requests: without tags too, zero_on_free leaves nothing of a block") {
  zmm::request_pool pool;
  zmm::basic_request_heap<wiping> request(pool);
  size_t dirty = 0;
  for (size_t const bytes : {8u, 24u, 200u, 1000u}) {
    void* const block = request.allocate(bytes, 8);
    std::memset(block, 0xA5, bytes);
    request.deallocate(block, bytes, 8);
    auto* const again = static_cast<unsigned char*>(request.allocate(bytes, 8));
    for (size_t i = 0; i < bytes; ++i) dirty += again[i] != 0;
  }
  CHECK(dirty == 0);
  request.verify();
}
