// reallocate and resize_in_place of heap: in place where the kind allows it, contents kept, peaks not doubled.
#include <zmm/zmm.hpp>

#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/failing_storage.hpp"
#include "../support/random.hpp"
#include <doctest/doctest.h>
#include <cstring>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;
constexpr size_t last_run = chunk - 4096;

void fill(void* p, size_t bytes) {
  auto* const at = static_cast<unsigned char*>(p);
  for (size_t i = 0; i < bytes; ++i) at[i] = static_cast<unsigned char>(i * 7 + i / 251);
}
bool holds(void const* p, size_t bytes) {
  auto const* const at = static_cast<unsigned char const*>(p);
  for (size_t i = 0; i < bytes; ++i)
    if (at[i] != static_cast<unsigned char>(i * 7 + i / 251)) return false;
  return true;
}

TEST_CASE("reallocate: the null pointer allocates") {
  zmm::heap heap;
  void* p = heap.reallocate(nullptr, 100);
  void* q = heap.reallocate(nullptr, 5000, std::align_val_t{64});
  void* r = heap.reallocate(nullptr, 3 * chunk, 0, 16);
  CHECK(heap.stats().live_blocks == 3);
  CHECK((heap.owns(p) && heap.owns(q) && heap.owns(r)));
}

TEST_CASE("reallocate: a small block stays while its bin does") {
  zmm::heap heap;
  void* p = heap.allocate(100);
  fill(p, 100);
  CHECK(heap.reallocate(p, 112) == p);
  CHECK(heap.reallocate(p, 97) == p);
  void* q = heap.reallocate(p, 113);
  CHECK(q != p);
  CHECK(holds(q, 97));
  CHECK(heap.usable_size(q) == 128);
  CHECK(heap.stats().live_blocks == 1);
}

TEST_CASE("reallocate: a run shrinks in place, and its pages are free again") {
  zmm::heap heap;
  void* p = heap.allocate(100 * 4096);
  fill(p, 100 * 4096);
  CHECK(heap.reallocate(p, 10 * 4096) == p);
  CHECK(heap.usable_size(p) == 10 * 4096);
  CHECK(holds(p, 10 * 4096));
  void* q = heap.allocate(90 * 4096);
  CHECK(q == static_cast<char*>(p) + 10 * 4096);
  heap.verify();
}

TEST_CASE("reallocate: a run grows into the free pages behind it") {
  zmm::heap heap;
  void* p = heap.allocate(50000);
  fill(p, 50000);
  REQUIRE(heap.reallocate(p, last_run - 64 * 4096) == p);
  CHECK(holds(p, 50000));
  heap.verify();
  heap.deallocate(p);
  CHECK(heap.stats().size == 0);
}

TEST_CASE("reallocate: a run whose neighbour is taken moves") {
  zmm::heap heap;
  void* p = heap.allocate(40960);
  void* neighbour = heap.allocate(40960);
  REQUIRE(neighbour == static_cast<char*>(p) + 40960);
  fill(p, 40960);
  void* q = heap.reallocate(p, 100000);
  CHECK(q != p);
  CHECK(holds(q, 40960));
  heap.verify();
}

TEST_CASE("reallocate: every pair of kinds keeps the contents") {
  checking_storage source;
  size_t const sizes[] = {0, 1, 64, 3072, 3073, 8192, 32768, 32769, 100000, last_run, last_run + 1, 2 * chunk, 5 * chunk + 4096};
  zmm::heap heap{source};
  for (size_t from : sizes)
    for (size_t to : sizes) {
      CAPTURE(from);
      CAPTURE(to);
      void* p = heap.allocate(from);
      fill(p, from);
      p = heap.reallocate(p, to);
      CHECK(heap.usable_size(p) >= to);
      CHECK(holds(p, from < to ? from : to));
      fill(p, to);
      CHECK(heap.stats().live_blocks == 1);
      heap.verify();
      heap.deallocate(p, to);
      CHECK(heap.stats().size == 0);
    }
}

TEST_CASE("reallocate: the alignment asked for holds, whatever the block had") {
  zmm::heap heap;
  for (size_t bytes : {size_t{10}, size_t{1000}, size_t{10000}, 3 * chunk})
    for (size_t alignment = 1; alignment <= 4 * chunk; alignment *= 4) {
      void* p = heap.allocate(bytes, 1);
      fill(p, bytes);
      p = heap.reallocate(p, bytes, std::align_val_t{alignment});
      CHECK(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
      CHECK(holds(p, bytes));
      p = heap.reallocate(p, bytes + 3000, bytes / 2, alignment);
      CHECK(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
      CHECK(holds(p, bytes / 2));
      heap.deallocate(p, bytes + 3000, alignment);
    }
  CHECK(heap.stats().size == 0);
  heap.verify();
}

TEST_CASE("reallocate: no peak counts the old and the new block") {
  zmm::basic_heap<exact_peaks> heap;
  SUBCASE("of slots") {
    void* p = heap.allocate(2048);
    heap.reset_peak();
    (void)heap.reallocate(p, 2560);
    CHECK(heap.stats().peak == 2560);
  }
  SUBCASE("of runs") {
    void* p = heap.allocate(100000);
    (void)heap.allocate(4096);
    heap.reset_peak();
    size_t const size = heap.stats().size;
    (void)heap.reallocate(p, 200000);
    CHECK(heap.stats().peak == heap.stats().size);
    CHECK(heap.stats().peak > size);
  }
  SUBCASE("of huge blocks") {
    void* p = heap.allocate(10 * chunk);
    heap.reset_peak();
    p = heap.reallocate(p, 20 * chunk);
    p = heap.reallocate(p, 15 * chunk);
    CHECK(heap.stats().peak == 20 * chunk);
    CHECK(heap.real_peak() <= 21 * chunk);
  }
}

TEST_CASE("reallocate: a huge block grows and shrinks without a second one") {
  counting_storage source;
  zmm::heap heap{source};
  void* p = heap.allocate(3 * chunk);
  for (size_t pages = 4; pages < 200; pages += 3) {
    p = heap.reallocate(p, pages * chunk);
    static_cast<char*>(p)[pages * chunk - 1] = 1;
  }
  CHECK(heap.stats().huge_blocks == 1);
  CHECK(source.peak() <= 200 * chunk + chunk);
  CHECK(source.live() == heap.real_size());
  p = heap.reallocate(p, 2 * chunk);
  CHECK(source.live() == heap.real_size());
  CHECK(source.live() <= 3 * chunk);
  heap.deallocate(p);
}

TEST_CASE("reallocate: failure leaves the block as it was") {
  failing_storage source;
  zmm::heap heap{source};
  void* small = heap.allocate(1000);
  void* run = heap.allocate(5000);
  void* huge = heap.allocate(2 * chunk);
  fill(small, 1000);
  fill(run, 5000);
  fill(huge, 2 * chunk);
  zmm::statistics const before = heap.stats();
  source.fail_from_call(1);
  for (void* p : {small, run, huge}) CHECK_THROWS_AS((void)heap.reallocate(p, 30 * chunk), std::bad_alloc);
  CHECK_THROWS_AS((void)heap.reallocate(small, ~size_t{0}), std::bad_alloc);
  CHECK_THROWS_AS((void)heap.reallocate(run, ~size_t{0} - 4095, std::align_val_t{16}), std::bad_alloc);
  CHECK_THROWS_AS((void)heap.reallocate(huge, 100, std::align_val_t{24}), std::bad_alloc);
  CHECK_THROWS_AS((void)heap.reallocate(small, 100, std::align_val_t{0}), std::bad_alloc);
  zmm::statistics const after = heap.stats();
  CHECK((after.size == before.size && after.live_blocks == before.live_blocks && after.real_size == before.real_size));
  CHECK((holds(small, 1000) && holds(run, 5000) && holds(huge, 2 * chunk)));
  heap.verify();
  source.disarm();
  CHECK(holds(heap.reallocate(huge, 4 * chunk), 2 * chunk));
}

TEST_CASE("resize_in_place: refuses what would cross kinds, and changes nothing") {
  zmm::heap heap;
  void* small = heap.allocate(3072);
  CHECK(heap.resize_in_place(small, 3072, 3073, 8000) == 0);
  void* run = heap.allocate(100000);
  CHECK(heap.resize_in_place(run, 100000, 10, 3000) == 0);
  CHECK(heap.usable_size(run) == round_up(100000, 4096));
  heap.deallocate(run, 100000);
  heap.deallocate(small, 3072);
  CHECK(heap.stats().size == 0);
  heap.verify();
}

TEST_CASE("resize_in_place: sizes that cannot be are refused") {
  zmm::heap heap;
  for (size_t bytes : {size_t{100}, size_t{5000}, 2 * chunk}) {
    void* p = heap.allocate(bytes);
    CHECK(heap.resize_in_place(p, bytes, ~size_t{0}, ~size_t{0}) == 0);
    CHECK(heap.resize_in_place(p, bytes, ~size_t{0} - 4095, ~size_t{0}) == 0);
    size_t const got = heap.resize_in_place(p, bytes, bytes, ~size_t{0});
    heap.verify();
    heap.deallocate(p, got != 0 ? got : bytes);
  }
  CHECK(heap.stats().size == 0);
}
TEST_CASE_TEMPLATE("reallocate: where it throws, try_reallocate returns null and leaves the block", Heap, zmm::heap,
                   zmm::hardened_heap, zmm::debug_heap) {
  Heap heap;
  static_assert(noexcept(heap.try_reallocate(nullptr, 1)) && noexcept(heap.try_reallocate(nullptr, 1, 1, 1)));
  void* small = heap.try_reallocate(nullptr, 100);
  void* run = heap.try_reallocate(nullptr, 20000, 0, 64);
  REQUIRE((small != nullptr && run != nullptr));
  std::memset(small, 1, 100);
  std::memset(run, 2, 20000);
  REQUIRE(heap.set_limit(heap.real_size() + 100000));
  for (size_t bytes : {6 * chunk, ~size_t{0}, ~size_t{0} - 4095}) {
    CHECK(heap.try_reallocate(small, bytes) == nullptr);
    CHECK(heap.try_reallocate(run, bytes, std::align_val_t{64}) == nullptr);
  }
  CHECK(heap.try_reallocate(small, 100, std::align_val_t{24}) == nullptr);
  CHECK(static_cast<unsigned char*>(small)[99] == 1);
  CHECK(static_cast<unsigned char*>(run)[19999] == 2);
  small = heap.try_reallocate(small, 3000);
  REQUIRE(small != nullptr);
  CHECK(static_cast<unsigned char*>(small)[99] == 1);
  CHECK(heap.stats().live_blocks == 2);
  heap.deallocate(small);
  heap.deallocate(run);
  heap.verify();
}
}  // namespace
