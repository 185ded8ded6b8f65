// Limits of debug heaps: they bind, announce themselves, and find memory in the quarantine before they fail.
#include "faces.hpp"

#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

size_t hook_calls = 0, hook_needed = 0;
bool count_call(void*, size_t needed) noexcept {
  ++hook_calls;
  hook_needed = needed;
  return false;
}

TEST_CASE_TEMPLATE("debug: a limit refuses with the figures asked for", Heap, ZMM_TEST_DEBUG_ENGINES) {
  engine_face<Heap> face;
  Heap& heap = face.heap();
  void* const p = heap.allocate(100);
  REQUIRE(heap.set_limit(heap.real_size() + 100'000));
  heap.on_limit(&count_call, nullptr);
  hook_calls = 0;
  try {
    (void)heap.allocate(5'000'000);
    FAIL("the limit did not bind");
  } catch (zmm::memory_limit_exceeded const& e) {
    CHECK(e.requested() == 5'000'000);
    CHECK(e.limit() == heap.limit());
    CHECK(e.used() == heap.real_size());
  }
  CHECK(hook_calls == 1);
  CHECK(hook_needed >= 5'000'000);
  CHECK(heap.try_allocate(5'000'000) == nullptr);
  CHECK(heap.stats().live_blocks == 1);
  CHECK(heap.stats().size == 100);
  heap.verify();
  {
    zmm::limit_lift<Heap> const lift{heap};
    heap.deallocate(heap.allocate(5'000'000), 5'000'000);
  }
  heap.deallocate(p, 100);
  CHECK(heap.stats().size == 0);
}

TEST_CASE_TEMPLATE("debug: what the quarantine keeps is no reason to fail", Heap, ZMM_TEST_DEBUG_ENGINES) {
  for (size_t bytes : std::initializer_list<size_t>{100, 3000, 20'000, 200'000}) {
    CAPTURE(bytes);
    engine_face<Heap> face;
    Heap& heap = face.heap();
    std::vector<void*> blocks;
    for (size_t i = 0; i < 600'000 / bytes; ++i) blocks.push_back(heap.allocate(bytes));
    REQUIRE(heap.set_limit(heap.real_size()));
    heap.on_limit(&count_call, nullptr);
    hook_calls = 0;
    for (int round = 0; round < 20; ++round) {
      for (void* p : blocks) heap.deallocate(p, bytes);
      for (void*& p : blocks) {
        p = heap.try_allocate(bytes);
        REQUIRE(p != nullptr);
      }
    }
    CHECK(hook_calls == 0);
    heap.verify();
    for (void* p : blocks) heap.deallocate(p, bytes);
  }
}

TEST_CASE_TEMPLATE("debug: trim and collect give back what the quarantine kept", Heap, ZMM_TEST_DEBUG_ENGINES) {
  engine_face<Heap> face;
  Heap& heap = face.heap();
  void* const p = heap.allocate(500'000);
  size_t const full = heap.real_size();
  heap.deallocate(p, 500'000);
  CHECK(heap.real_size() >= full);
  (void)heap.collect();
  (void)heap.trim();
  CHECK(heap.stats().live_blocks == 0);
  heap.verify();
  CHECK(heap.real_size() < full);
}

TEST_CASE("debug: a request in a request is charged to both, and both are released") {
  zmm::set_leak_sink(&report_no_leak);
  zmm::debug_request_resource parent;
  {
    zmm::debug_request_resource child{zmm::within, parent};
    void* const p = child.allocate(1000);
    CHECK(child.real_size() <= parent.real_size());
    REQUIRE(parent.set_limit(parent.real_size()));
    CHECK(child.try_allocate(1'000'000) == nullptr);
    parent.release();
    CHECK(child.stats().live_blocks == 0);
    CHECK(child.real_size() == 0);
    (void)p;
    child.deallocate(child.allocate(10), 10);
  }
  parent.verify();
  zmm::set_leak_sink(nullptr);
}

TEST_CASE("debug: a request over a caller's buffer stays in it") {
  alignas(16) static unsigned char buffer[10'000];
  zmm::debug_request_resource request{buffer, sizeof buffer};
  unsigned char* const p = bytes_of(request.allocate(1000));
  CHECK((p >= buffer && p + 1000 <= buffer + sizeof buffer));
  CHECK(request.real_size() == 0);
  CHECK(request.stats().size == 1000);
  request.release();
  CHECK(bytes_of(request.allocate(1000)) == p);
}
}  // namespace
