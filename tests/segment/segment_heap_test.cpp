// The segment heap as programs use it: where its memory comes from, what grows where, what is kept and given back.
#include <zmm/segment_resource.hpp>
#include <zmm/storage/buffer_storage.hpp>
#include <zmm/storage/malloc_storage.hpp>

#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/failing_storage.hpp"
#include "../support/random.hpp"
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <doctest/doctest.h>
#include <list>
#include <memory>
#include <memory_resource>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;
constexpr size_t kib = 1024, mib = 1024 * kib;

// The least a storage can be: nothing grows.
struct plain_storage final : zmm::storage {
  size_t live = 0, alignment = 0;
  void* allocate(size_t bytes, size_t wanted, size_t) override {
    alignment = wanted > alignment ? wanted : alignment;
    void* const p = zmm::malloc_storage().allocate(bytes, wanted, bytes);
    live += p != nullptr ? bytes : 0;
    return p;
  }
  void deallocate(void* p, size_t bytes, size_t) noexcept override {
    live -= bytes;
    zmm::malloc_storage().deallocate(p, bytes, bytes);
  }
};

TEST_CASE("segment heap: owns nothing until the first block, and asks for no alignment") {
  plain_storage source;
  {
    zmm::segment_heap h{source};
    CHECK(source.live == 0);
    void* const p = h.allocate(100);
    CHECK(h.real_size() == 256 * kib);
    CHECK(source.live == 256 * kib);
    for (size_t alignment = 1; alignment <= 4 * mib; alignment *= 2) {
      void* const q = h.allocate(100, alignment);
      CHECK(reinterpret_cast<std::uintptr_t>(q) % alignment == 0);
      std::memset(q, 1, 100);
      h.verify();
      h.deallocate(q, 100, alignment);
    }
    h.deallocate(p, 100);
    CHECK(source.alignment <= 16);  // what malloc gives
  }
  CHECK(source.live == 0);
}

TEST_CASE("segment heap: one call of the storage serves 1726 allocations of 16 to 3000 bytes") {
  counting_storage source;
  zmm::segment_heap h{source};
  random_source random(1726);
  size_t sum = 0;
  for (int i = 0; i < 1726; ++i) {
    // Most of what a small script takes is short: strings, buckets, nodes; few are buffers.
    double const share = static_cast<double>(random.below(1 << 20)) / (1 << 20);
    size_t const bytes = 16 + static_cast<size_t>(2984 * std::pow(share, 30));
    sum += bytes;
    std::memset(h.allocate(bytes), 1, bytes);
  }
  MESSAGE("1726 allocations, " << sum << " bytes, calls of the storage: " << source.takings());
  CHECK(sum > 150 * kib);
  CHECK(source.takings() == 1);
  CHECK(h.stats().live_blocks == 1726);
}

TEST_CASE("segment heap: ten thousand of them, 20 blocks each, in 4 KiB each") {
  constexpr size_t heaps = 10'000;
  struct place {
    place(void* memory) : storage(memory, 4096), heap(storage) {}
    zmm::buffer_storage storage;
    zmm::segment_heap heap;
  };
  struct alignas(4096) page {
    char bytes[4096];
  };
  std::unique_ptr<page[]> const memory(new page[heaps]);
  std::vector<std::unique_ptr<place>> all;
  for (size_t i = 0; i < heaps; ++i) {
    all.push_back(std::make_unique<place>(&memory[i]));
    for (size_t n = 0; n < 20; ++n) std::memset(all.back()->heap.allocate(100 + n * 8), 1, 100 + n * 8);
  }
  size_t taken = 0;
  for (auto const& p : all) taken += p->heap.real_size();
  CHECK(taken == heaps * 4096);
  CHECK(all[heaps / 2]->heap.stats().live_blocks == 20);
  all[heaps / 2]->heap.verify();
}

TEST_CASE("segment heap: where limit or storage have less than a segment, less is taken") {
  {
    zmm::segment_heap h;
    REQUIRE(h.set_limit(300 * kib));
    std::vector<void*> all;
    while (void* const p = h.try_allocate(1000)) all.push_back(p);
    CHECK(all.size() >= 295);
    CHECK(h.real_size() <= 300 * kib);
    h.verify();
  }
  static char memory[100 * kib];
  zmm::buffer_storage fixed{memory, sizeof memory};
  zmm::segment_heap h{fixed};
  size_t count = 0;
  while (h.try_allocate(1000) != nullptr) ++count;
  while (h.try_allocate(1000) != nullptr) ++count;  // what was set aside
  CHECK(count >= 94);
  h.verify();
}

TEST_CASE("segment heap: an empty segment is kept, and a heap on the edge takes nothing from storage") {
  counting_storage source;
  zmm::segment_heap h{source};
  void* const base = h.allocate(200 * kib);
  h.deallocate(h.allocate(200 * kib), 200 * kib);
  size_t const before = source.takings();
  for (int i = 0; i < 100; ++i) h.deallocate(h.allocate(200 * kib), 200 * kib);
  CHECK(source.takings() == before);
  CHECK(h.stats().cached_chunks == 1);
  CHECK(h.collect() >= 256 * kib);
  CHECK(h.real_size() == 256 * kib);
  h.deallocate(base, 200 * kib);
  CHECK(h.collect() >= 256 * kib);
  CHECK(h.real_size() == 0);
  CHECK(source.live() == 0);
}

TEST_CASE("segment heap: what was set aside is there when memory has run out, and again when there is room") {
  zmm::segment_heap h;
  REQUIRE(h.set_limit(256 * kib));
  std::vector<void*> all;
  for (;;) {
    try {
      all.push_back(h.allocate(8 * kib));
    } catch (zmm::memory_limit_exceeded const&) { break; }
  }
  // The handler finds memory, though nothing of this size was left.
  void* const message = h.try_allocate(8 * kib);
  CHECK(message != nullptr);
  CHECK(h.try_allocate(8 * kib) == nullptr);
  h.verify();
  h.deallocate(message, 8 * kib);
  for (void* p : all) h.deallocate(p, 8 * kib);
  all.clear();
  // Set aside again: as many as before, and once more one for the handler.
  size_t count = 0;
  for (;; ++count) {
    try {
      (void)h.allocate(8 * kib);
    } catch (zmm::memory_limit_exceeded const&) { break; }
  }
  CHECK(h.try_allocate(8 * kib) != nullptr);
  h.verify();
}

TEST_CASE("segment heap: the reserve is free before the hook is asked") {
  static zmm::segment_heap* current;
  static bool found;
  zmm::segment_heap h;
  current = &h;
  found = false;
  REQUIRE(h.set_limit(256 * kib));
  h.on_limit(
      [](void*, size_t) noexcept {
        void* const p = current->try_allocate(7 * kib);
        found = p != nullptr;
        current->deallocate(p);
        return false;
      },
      nullptr);
  while (h.try_allocate(7 * kib) != nullptr) {}
  CHECK(found);
}

TEST_CASE("segment heap: what the reserve lies in is given back like any other segment") {
  counting_storage source;
  zmm::segment_heap h{source};
  std::vector<void*> all;
  for (int i = 0; i < 4000; ++i) all.push_back(h.allocate(300));
  for (void* p : all) h.deallocate(p, 300);
  h.verify();
  CHECK(source.live() == 256 * kib);
  h.collect();
  CHECK(source.live() == 0);
}

TEST_CASE("segment heap: a block that is larger than a segment grows and shrinks by storage's means") {
  checking_storage checked;
  counting_storage source{checked};
  zmm::segment_heap h{source};
  auto* p = static_cast<unsigned char*>(h.allocate_growing(mib, 16));
  std::memset(p, 7, mib);
  CHECK(h.stats().huge_blocks == 1);
  size_t const got = h.resize_in_place(p, mib, 8 * mib, 8 * mib);
  CHECK(got >= 8 * mib);
  CHECK(source.extensions == 1);
  CHECK(p[mib - 1] == 7);
  p[8 * mib - 1] = 8;
  h.verify();
  CHECK(h.resize_in_place(p, got, 2 * mib, 2 * mib) >= 2 * mib);
  CHECK(source.truncations == 1);
  CHECK(h.real_size() < 2 * mib + 8 * kib);
  h.verify();
  h.deallocate(p, 2 * mib);
  CHECK(source.live() == 0);

  auto* q = static_cast<unsigned char*>(h.allocate(mib));
  std::memset(q, 9, mib);
  q = static_cast<unsigned char*>(h.reallocate(q, 64 * mib));
  CHECK(source.moves + source.extensions >= 2);  // its pages moved, or there was room behind it
  CHECK(q[0] == 9);
  CHECK(q[mib - 1] == 9);
  h.verify();
  CHECK(h.owns(q + 64 * mib - 1));
  q = static_cast<unsigned char*>(h.reallocate(q, 100));
  CHECK(q[99] == 9);
  h.verify();
  CHECK(h.real_size() <= 256 * kib);
  h.deallocate(q, 100);
}

TEST_CASE("segment heap: a block grows into what is free behind it, and gives its tail back") {
  zmm::segment_heap h;
  void* const a = h.allocate(1000);
  void* const b = h.allocate(1000);
  void* const end = h.allocate(24);
  CHECK(h.resize_in_place(a, 1000, 1500, 1500) == 0);
  CHECK(h.resize_in_place(a, 1000, 900, 1500) >= 1000);
  h.deallocate(b, 1000);
  size_t const got = h.resize_in_place(a, 1000, 1500, 1500);
  CHECK(got >= 1500);
  CHECK(got < 1600);
  CHECK(h.usable_size(a) == got);
  CHECK(h.resize_in_place(a, got, 100, 100) < 132);
  h.verify();
  CHECK(h.allocate(1800) > a);
  h.deallocate(a, 100);
  h.deallocate(end, 24);
}

TEST_CASE("segment heap: a block grows into what is free in front of it, by whole objects") {
  for (size_t unit : {size_t{1}, size_t{3}, size_t{8}, size_t{16}, size_t{24}, size_t{40}, size_t{100}}) {
    CAPTURE(unit);
    zmm::segment_heap h;
    void* const front = h.allocate(1000);
    auto* const b = static_cast<unsigned char*>(h.allocate(10 * unit));
    void* const end = h.allocate(24);
    for (size_t i = 0; i < 10 * unit; ++i) b[i] = static_cast<unsigned char>(i);
    CHECK(h.grow_backward(b, 20 * unit, 20 * unit, unit) == nullptr);  // somebody is there
    h.deallocate(front, 1000);
    size_t const least = h.usable_size(b) + unit;
    auto* const grown = static_cast<unsigned char*>(h.grow_backward(b, least, least, unit));
    REQUIRE(grown != nullptr);
    CHECK(grown < b);
    CHECK(static_cast<size_t>(b - grown) % unit == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(grown) % 16 == 0);
    CHECK(h.usable_size(grown) >= least);
    for (size_t i = 0; i < 10 * unit; ++i)
      if (b[i] != static_cast<unsigned char>(i)) FAIL("byte " << i);
    h.verify();
    CHECK(h.grow_backward(grown, 100'000, 100'000, unit) == nullptr);
    h.deallocate(grown, least);
    h.deallocate(end, 24);
    h.verify();
  }
}

TEST_CASE("segment heap: release keeps the first segment and learns nothing") {
  counting_storage source;
  zmm::segment_heap h{source};
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 100; ++i) (void)h.allocate(20 * kib);
    (void)h.allocate(3 * mib);
    CHECK(h.real_size() > 5 * mib);
    h.release();
    CHECK(h.real_size() == 256 * kib);
    CHECK(h.stats().size == 0);
    CHECK(h.stats().peak == 0);
    h.verify();
  }
}

TEST_CASE("segment heap: trim gives the pages inside large free blocks back, once") {
  counting_storage source;
  zmm::segment_heap h{source};
  void* const a = h.allocate(100 * kib);
  void* const b = h.allocate(100);
  h.deallocate(a, 100 * kib);
  CHECK(h.trim() >= 90 * kib);
  CHECK(source.purged >= 90 * kib);
  h.verify();
  std::memset(h.allocate(100 * kib), 1, 100 * kib);
  h.deallocate(b, 100);
}

TEST_CASE("segment heap: figures are exact on demand") {
  zmm::segment_heap h;
  void* const p = h.allocate(100);
  void* const q = h.allocate(5000);
  zmm::statistics s = h.stats();
  CHECK(s.live_blocks == 2);
  CHECK(s.size == h.usable_size(p) + h.usable_size(q));
  CHECK(s.size <= s.peak);
  CHECK(s.chunks == 1);
  h.deallocate(p, 100);
  CHECK(h.stats().size == h.usable_size(q));  // what the cache holds is not live
  h.deallocate(q, 5000);
  CHECK(h.stats().live_blocks == 0);
  CHECK(h.stats().size == 0);
}

TEST_CASE("segment heap: sizes and alignments that no address space holds are refused") {
  zmm::segment_heap h;
  for (size_t bytes : {~size_t{0}, ~size_t{0} - 7, ~size_t{0} / 2 + 1, ~size_t{0} / 16 + 1}) {
    CHECK(h.try_allocate(bytes) == nullptr);
    CHECK_THROWS_AS((void)h.allocate(bytes), std::bad_alloc);
  }
  CHECK(h.try_allocate(1, 3) == nullptr);
  CHECK(h.try_allocate(1, 0) == nullptr);
  CHECK(h.try_allocate(1, ~size_t{0} / 2 + 1) == nullptr);
  CHECK(h.real_size() == 0);
  void *const a = h.allocate(0), *const b = h.allocate(0);
  CHECK(a != b);
  h.deallocate(a, 0);
  h.deallocate(b, 0);
  h.deallocate(nullptr, 8);
  h.deallocate(nullptr);
  void* const p = h.allocate(64);
  CHECK_THROWS_AS((void)h.reallocate(p, ~size_t{0} / 2), std::bad_alloc);
  CHECK(h.resize_in_place(p, 64, ~size_t{0} / 2, ~size_t{0}) == 0);
  CHECK(h.grow_backward(p, 100, ~size_t{0}, 8) == nullptr);
  h.verify();
  h.deallocate(p, 64);
}

TEST_CASE("segment heap: is an engine for every face") {
  zmm::segment_resource face;
  std::pmr::list<int> list{&face};
  list.assign(1000, 7);
  CHECK(face.stats().live_blocks == 1000);
  std::list<int, zmm::allocator<int, zmm::segment_heap>> typed{face.heap()};
  typed.assign(100, 1);
  CHECK(face.heap().stats().live_blocks == 1100);
  zmm::limit_lift lift{face};
}
}  // namespace
