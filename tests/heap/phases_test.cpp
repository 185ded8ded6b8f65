// Phases of different sizes, everything freed in between: memory does not grow by the sum of their peaks. And blocks of
// powers of two fill a limit.
#include <zmm/zmm.hpp>

#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/failing_storage.hpp"
#include "../support/random.hpp"
#include <doctest/doctest.h>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;

TEST_CASE_TEMPLATE("phases: runs that have become empty serve other sizes before the heap grows", Heap, zmm::heap,
                   zmm::hardened_heap, zmm::basic_heap<small_chunks>, zmm::segment_heap) {
  counting_storage source;
  Heap heap{source};
  constexpr size_t phase = 8 << 20;
  for (size_t bytes : {24u, 48u, 96u, 160u, 320u, 640u, 1280u, 2560u, 5000u, 100'000u, 3'000'000u}) {
    std::vector<void*> blocks;
    for (size_t i = 0; i < phase / bytes; ++i) blocks.push_back(heap.allocate(bytes, 8));
    for (void* p : blocks) heap.deallocate(p, bytes, 8);
  }
  CHECK(source.peak() < 2 * phase + chunk);  // a hardened block of 24 bytes takes 32
  heap.verify();
}

TEST_CASE("phases: a refusal looks at what was freed since the last one, and finds every run and chunk") {
  zmm::heap heap;
  REQUIRE(heap.set_limit(8 * chunk));
  std::vector<void*> blocks;
  while (void* p = heap.try_allocate(64, 8)) blocks.push_back(p);
  for (size_t i = 0; i < blocks.size(); i += 2) heap.deallocate(blocks[i], 64, 8);
  CHECK(heap.try_allocate(4096, 8) == nullptr);  // each run holds a live block
  CHECK(heap.try_allocate(4096, 8) == nullptr);
  random_source random{3};
  // Free what is left of one run, wherever its other slots lie among the free ones: then, and only then, it serves a page.
  for (int times = 0; times < 50; ++times) {
    size_t const at = random.below(blocks.size() / 128) * 128 + 64;
    auto const page_of = [](void* p) { return reinterpret_cast<std::uintptr_t>(p) / 4096; };
    auto const page = page_of(blocks[at]);
    size_t freed = 0;
    for (size_t i = at >= 64 ? at - 64 : 0; i < at + 64 && i < blocks.size(); ++i) {
      if (blocks[i] == nullptr || i % 2 == 0 || page_of(blocks[i]) != page) continue;
      heap.deallocate(blocks[i], 64, 8);
      blocks[i] = nullptr;
      ++freed;
    }
    if (freed == 0) continue;
    CHECK(heap.try_allocate(4096, 8) != nullptr);
    CHECK(heap.try_allocate(4096, 8) == nullptr);
    if (times % 10 == 0) heap.verify();
  }
  heap.verify();
}

template <class Engine> void set_limit(Engine& e, size_t bytes) { REQUIRE(e.source().set_limit(bytes)); }

TEST_CASE_TEMPLATE("limit: blocks of a power of two fill it to 95 percent", Heap, zmm::heap, zmm::request_heap,
                   zmm::hardened_heap, zmm::segment_heap, zmm::hardened_segment_heap) {
  constexpr size_t limit = 64 << 20;
  // Larger pages of the system's: some of a segment of 256 KiB, and a block and its rounding, are left over.
  double const page = static_cast<double>(zmm::os_page_size());
  double const share = page <= 4096 ? 0.95 : 0.95 * (1 - 2 * page / (256 << 10));
  for (size_t bytes : {size_t{65536}, size_t{1} << 17, size_t{1} << 18, size_t{1} << 19, size_t{1} << 20,
                       (size_t{1} << 20) + 24, size_t{1} << 21, size_t{3} << 20}) {
    CAPTURE(bytes);
    counting_storage source;
    engine<Heap> e{source};
    set_limit(e, limit);
    std::vector<void*> blocks;
    while (void* p = e.heap().try_allocate(bytes, 16)) blocks.push_back(p);
    size_t const rounding = bytes > 1'100'000 ? bytes : 0;  // whole blocks
    CHECK(static_cast<double>(blocks.size() * bytes + rounding) >= share * limit);
    CHECK(source.peak() <= limit);
    e.heap().verify();
    for (size_t i = 0; i < blocks.size(); i += 2) e.heap().deallocate(blocks[i], bytes, 16);
    e.heap().verify();
    for (size_t i = 0; i < blocks.size(); i += 2) blocks[i] = e.heap().try_allocate(bytes, 16);
    for (void* p : blocks) CHECK(p != nullptr);
    for (void* p : blocks) e.heap().deallocate(p, bytes, 16);
    CHECK(e.heap().stats().live_blocks == 0);
    e.source().verify();
  }
}

TEST_CASE("limit: a block with a mapping of its own below the size of a chunk is resized like any") {
  counting_storage source;
  zmm::heap heap{source};
  REQUIRE(heap.set_limit(64 << 20));
  constexpr size_t mib = 1 << 20;
  auto* p = static_cast<unsigned char*>(heap.allocate(mib, 16));
  CHECK(heap.stats().huge_blocks == 1);
  CHECK(heap.real_size() < mib + 65536);
  CHECK(heap.usable_size(p) == mib);
  p[0] = 7;
  size_t bytes = mib;
  for (size_t to : {mib + 5, mib / 2, 3 * mib, mib + mib / 2, mib / 4, size_t{5000}, size_t{100}, mib, size_t{40} * mib, mib}) {
    p = static_cast<unsigned char*>(heap.reallocate(p, to));
    CHECK(p[0] == 7);
    CHECK(heap.usable_size(p) >= to);
    p[to - 1] = 1;
    bytes = to;
    heap.verify();
    CHECK(heap.real_size() == source.live());
  }
  size_t const got = heap.resize_in_place(p, bytes, mib / 2, mib / 2);
  CHECK((got == 0 || got >= mib / 2));
  heap.deallocate(p, got != 0 ? got : bytes, 16);
  CHECK(heap.stats().live_blocks == 0);
  heap.verify();
}

TEST_CASE("limit: where storage has no mapping left a chunk serves, and the other way round") {
  for (size_t n = 1; n < 8; ++n) {
    counting_storage counted;
    failing_storage source{counted};
    zmm::heap heap{source};
    REQUIRE(heap.set_limit(16 << 20));
    source.fail_call(n);
    std::vector<void*> blocks;
    for (int i = 0; i < 6; ++i) {
      void* const p = heap.try_allocate(1 << 20, 16);
      CHECK(p != nullptr);
      blocks.push_back(p);
    }
    source.disarm();
    heap.verify();
    for (void* p : blocks) heap.deallocate(p, 1 << 20, 16);
    heap.verify();
    CHECK(heap.real_size() == counted.live());
  }
}
}  // namespace
