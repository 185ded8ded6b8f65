// heap: what it hands out, what it tells about it, what it keeps and gives back.
#include <zmm/zmm.hpp>

#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/random.hpp"
#include <doctest/doctest.h>
#include <cstring>
#include <memory>
#include <set>
#include <type_traits>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;
constexpr size_t last_run = chunk - 4096;
constexpr size_t sizes_of_every_kind[] = {0, 1, 8, 9, 100, 3000, 3072, 3073, 4096, 4097, 50000, last_run, last_run + 1, chunk, 3 * chunk};

TEST_CASE("heap: unused it owns nothing and costs nothing") {
  static_assert(std::is_nothrow_default_constructible_v<zmm::heap>);
  static_assert(!std::is_copy_constructible_v<zmm::heap> && !std::is_move_constructible_v<zmm::heap>);
  static_assert(!std::is_copy_assignable_v<zmm::heap> && !std::is_move_assignable_v<zmm::heap>);
  counting_storage source;
  {
    zmm::heap heap{source};
    heap.verify();
    CHECK(heap.real_size() == 0);
    CHECK(heap.stats().size == 0);
    CHECK(heap.trim() == 0);
    CHECK(heap.collect() == 0);
    heap.release();
  }
  CHECK(source.allocations == 0);
}

TEST_CASE("heap: after one block of 48 bytes it stands as the original's does") {
  counting_storage source;
  zmm::basic_heap<exact_peaks> heap{source};
  void* const block = heap.allocate(48);
  zmm::statistics const s = heap.stats();
  CHECK(s.size == 48);
  CHECK(s.peak == 48);
  CHECK(s.real_size == chunk);
  CHECK(s.real_peak == chunk);
  CHECK(s.chunks == 1);
  CHECK(s.cached_chunks == 0);
  CHECK(s.huge_blocks == 0);
  CHECK(source.allocations == 1);
  using chunk_type = zmm::detail::chunk<zmm::default_geometry>;
  CHECK(chunk_type::of(block)->free_pages == 510);  // of 512: the header's and the run's are not
}

TEST_CASE("heap: blocks of every kind at every alignment up to 8 MiB") {
  checking_storage source;
  zmm::heap heap{source};
  for (size_t alignment = 1; alignment <= size_t{8} << 20; alignment *= 2) {
    std::vector<std::pair<void*, size_t>> blocks;
    for (size_t bytes : sizes_of_every_kind) {
      void* p = heap.allocate(bytes, alignment);
      REQUIRE(p != nullptr);
      CHECK(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
      std::memset(p, 0x11, bytes);
      blocks.emplace_back(p, bytes);
    }
    heap.verify();
    for (auto [p, bytes] : blocks) heap.deallocate(p, bytes, alignment);
    CHECK(heap.stats().size == 0);
  }
}

TEST_CASE("heap: blocks of no bytes are distinct and can be freed") {
  zmm::heap heap;
  std::set<void*> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(heap.allocate(0));
  for (int i = 0; i < 100; ++i) seen.insert(heap.allocate(0, 64));
  for (int i = 0; i < 10; ++i) seen.insert(heap.allocate(0, 8192));
  CHECK(seen.size() == 1110);
  CHECK(seen.count(nullptr) == 0);
  CHECK(heap.stats().live_blocks == 1110);
  for (void* p : seen) heap.deallocate(p);
  CHECK(heap.stats().size == 0);
}

TEST_CASE("heap: the null pointer is freed without effect") {
  zmm::heap heap;
  heap.deallocate(nullptr);
  heap.deallocate(nullptr, 0, 1);
  heap.deallocate(nullptr, 100);
  heap.deallocate(nullptr, size_t{100} << 20, 4096);
  void* p = heap.allocate(10);
  heap.deallocate(nullptr);
  CHECK(heap.stats().live_blocks == 1);
  CHECK_FALSE(heap.owns(nullptr));
  heap.deallocate(p);
}

TEST_CASE("heap: with the original's slots a small block is served from Zend's bins, a run from whole pages") {
  zmm::basic_heap<original_slots> heap;
  for (size_t n = 1; n <= 3072; ++n) {
    void* p = heap.allocate(n, 8);
    REQUIRE(heap.usable_size(p) == slot_of(n));
    REQUIRE(heap.stats().size == slot_of(n));
    heap.deallocate(p, n, 8);
  }
  for (size_t n = 3073; n <= last_run; n += 4099) {
    void* p = heap.allocate(n);
    REQUIRE(heap.usable_size(p) == round_up(n, 4096));
    heap.deallocate(p);
  }
}

TEST_CASE("heap: a small block is served from Zend's bins and those above them, a run from whole pages") {
  zmm::heap heap;
  for (size_t n = 1; n <= 32768; n += n < 9000 ? 1 : 7) {
    void* p = heap.allocate(n, 8);
    REQUIRE(heap.usable_size(p) == run_slot_of(n));
    REQUIRE(heap.stats().size == run_slot_of(n));
    heap.deallocate(p, n, 8);
  }
  for (size_t n = 32769; n <= last_run; n += 4099) {
    void* p = heap.allocate(n);
    REQUIRE(heap.usable_size(p) == round_up(n, 4096));
    heap.deallocate(p);
  }
}

TEST_CASE("heap: owns and usable_size answer for every kind, and owns only for its own blocks") {
  zmm::heap heap, other;
  int on_stack = 0;
  for (size_t bytes : sizes_of_every_kind) {
    void* p = heap.allocate(bytes);
    void* foreign = other.allocate(bytes);
    CHECK(heap.owns(p));
    CHECK(heap.usable_size(p) >= bytes);
    CHECK_FALSE(heap.owns(foreign));
    std::memset(p, 1, heap.usable_size(p));
  }
  heap.verify();
  CHECK_FALSE(heap.owns(&on_stack));
  zmm::heap unused;
  CHECK_FALSE(unused.owns(&on_stack));
}

TEST_CASE("heap: the figures count slots, pages, chunks and huge blocks") {
  counting_storage source;
  zmm::heap heap{source};
  void* slot = heap.allocate(100);
  void* run = heap.allocate(100000);
  void* huge = heap.allocate(3 * chunk);
  zmm::statistics s = heap.stats();
  CHECK(s.size == 112 + 102400 + 3 * chunk);
  CHECK(s.live_blocks == 3);
  CHECK(s.chunks == 1);
  CHECK(s.huge_blocks == 1);
  CHECK(s.real_size == 4 * chunk);
  CHECK(s.real_size == source.live());
  CHECK(s.peak >= s.size);
  heap.deallocate(huge);
  heap.deallocate(run);
  heap.deallocate(slot);
  s = heap.stats();
  CHECK(s.size == 0);
  CHECK(s.live_blocks == 0);
  CHECK(s.huge_blocks == 0);
  CHECK(s.real_peak == 4 * chunk);
  heap.reset_peak();
  CHECK(heap.real_peak() == heap.real_size());
}

TEST_CASE("heap: an exact peak is the highest sum of live bytes") {
  zmm::basic_heap<exact_peaks> heap;
  void* a = heap.allocate(1000);
  heap.deallocate(a);
  a = heap.allocate(500);
  void* b = heap.allocate(100);
  CHECK(heap.stats().peak_exact);
  CHECK(heap.stats().peak == 1024);
  heap.reset_peak();
  CHECK(heap.stats().peak == 512 + 112);
  heap.deallocate(b);
  heap.deallocate(a);
  CHECK(heap.stats().peak == 512 + 112);
  CHECK_FALSE(zmm::heap{}.stats().peak_exact);
}

TEST_CASE("heap: collect frees runs whose slots are all free, and trim returns their chunks") {
  counting_storage source;
  zmm::heap heap{source};
  std::vector<void*> blocks;
  for (int i = 0; i < 40000; ++i) blocks.push_back(heap.allocate(256));
  size_t const full = heap.real_size();
  for (void* p : blocks) heap.deallocate(p, 256);
  CHECK(heap.collect() >= 40000 / 16 * size_t{4096} - chunk);
  heap.verify();
  CHECK(heap.collect() == 0);  // the second time in a row finds nothing
  heap.verify();
  (void)heap.trim();
  CHECK(heap.real_size() < full);
  CHECK(heap.real_size() <= chunk);
  CHECK(heap.real_size() == source.live());
  heap.verify();
  void* p = heap.allocate(256);
  CHECK(p != nullptr);
}

TEST_CASE("heap: collect leaves runs alone that still hold a block") {
  zmm::heap heap;
  std::vector<unsigned char*> blocks;
  for (int i = 0; i < 16 * 100; ++i) blocks.push_back(static_cast<unsigned char*>(heap.allocate(256)));
  for (size_t i = 0; i < blocks.size(); ++i)
    if (i % 16 != 0) heap.deallocate(blocks[i], 256);
  for (size_t i = 0; i < blocks.size(); i += 16) blocks[i][255] = 99;
  (void)heap.collect();
  heap.verify();
  CHECK(heap.stats().live_blocks == 100);
  for (size_t i = 0; i < blocks.size(); i += 16) CHECK(blocks[i][255] == 99);
}

TEST_CASE("heap: trim purges page spans that are free inside chunks in use") {
  counting_storage source;
  zmm::heap heap{source};
  void* first = heap.allocate(4096);
  void* wide = heap.allocate(1 << 20);
  void* last = heap.allocate(4096);
  std::memset(wide, 1, 1 << 20);
  heap.deallocate(wide);
  CHECK(heap.trim() >= size_t{1} << 20);
  CHECK(source.purged >= size_t{1} << 20);
  CHECK(heap.real_size() == source.live());
  heap.verify();
  CHECK(heap.trim() == 0);  // nothing was used since
  wide = heap.allocate(1 << 20);
  std::memset(wide, 2, 1 << 20);
  heap.deallocate(wide);
  heap.deallocate(first);
  heap.deallocate(last);
}

TEST_CASE("heap: release frees everything at once, and the heap is as new") {
  checking_storage source;
  zmm::heap heap{source};
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 2000; ++i) (void)heap.allocate(sizes_of_every_kind[static_cast<size_t>(i) % 11]);
    (void)heap.allocate(3 * chunk);
    heap.release();
    zmm::statistics const s = heap.stats();
    CHECK(s.size == 0);
    CHECK(s.live_blocks == 0);
    CHECK(s.huge_blocks == 0);
    heap.verify();
  }
}

TEST_CASE("heap: everything is returned to storage at the end, whatever still lives") {
  counting_storage source;
  {
    zmm::heap heap{source};
    for (size_t bytes : sizes_of_every_kind) (void)heap.allocate(bytes);
    for (size_t bytes : sizes_of_every_kind) (void)heap.allocate(bytes, chunk);
  }
  CHECK(source.live() == 0);
}

TEST_CASE("heap: many heaps side by side do not know each other") {
  std::vector<std::unique_ptr<zmm::heap>> heaps;
  std::vector<void*> blocks;
  for (int i = 0; i < 50; ++i) {
    heaps.push_back(std::make_unique<zmm::heap>());
    blocks.push_back(heaps.back()->allocate(static_cast<size_t>(i) * 100));
  }
  for (size_t i = 0; i < heaps.size(); ++i)
    for (size_t j = 0; j < blocks.size(); ++j) CHECK(heaps[i]->owns(blocks[j]) == (i == j));
}
}  // namespace
