// The limit of a heap: exact, adjustable, announced by a hook.
#include <zmm/zmm.hpp>

#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <cstring>
#include <new>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;
constexpr size_t no_limit = ~size_t{0};

#define HEAPS zmm::heap, zmm::segment_heap, zmm::hardened_segment_heap

TEST_CASE_TEMPLATE("limit: there is none at first", Heap, HEAPS) {
  Heap heap;
  CHECK(heap.limit() == no_limit);
  CHECK(heap.remaining() == no_limit);
  (void)heap.allocate(1);
  CHECK(heap.remaining() == no_limit - heap.real_size());
}

TEST_CASE_TEMPLATE("limit: the bytes taken from storage never pass it, except for a block that moves to become smaller", Heap, HEAPS) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    counting_storage source;
    Heap heap{source};
    random_source random{seed};
    size_t const limit = random.between(1, 12) * chunk + random.below(chunk);
    REQUIRE(heap.set_limit(limit));
    struct block { void* p; size_t bytes; };
    std::vector<block> blocks;
    size_t refused = 0, most = limit, peak = 0;
    for (size_t i = 0; i < std::max(size_t{5000}, scaled(5000)); ++i) {  // fewer may meet no refusal
      size_t const kind = random.below(10), bytes = random_size(random, chunk, 4096);
      bool may_pass = false;  // a block that moves to become smaller may pass the limit until something is freed
      if (kind < 5 || blocks.empty()) {
        if (void* p = heap.try_allocate(bytes)) blocks.push_back({p, bytes});
        else ++refused;
      } else if (block& b = blocks[random.below(blocks.size())]; kind < 7) {
        may_pass = bytes < b.bytes;
        try {
          b.p = heap.reallocate(b.p, bytes);
          b.bytes = bytes;
        } catch (std::bad_alloc const&) {
          ++refused;
        }
      } else if (kind == 7) {
        size_t const wanted = b.bytes + random.below(4 * chunk);
        if (size_t const got = heap.resize_in_place(b.p, b.bytes, wanted, 2 * wanted)) b.bytes = got;
      } else {
        heap.deallocate(b.p, b.bytes);
        b = blocks.back();
        blocks.pop_back();
      }
      size_t const live = source.live();
      most = may_pass ? std::max(most, live) : std::max(limit, std::min(most, live));
      REQUIRE(live <= most);
      REQUIRE(source.peak() <= (may_pass ? limit + chunk + 8192 : std::max(limit, peak)));
      peak = source.peak();
      REQUIRE(heap.real_size() == live);
    }
    CHECK(refused > 0);
    heap.verify();
  }
}

TEST_CASE_TEMPLATE("limit: a huge block grows up to it and not past it", Heap, zmm::heap, zmm::request_heap, zmm::segment_heap) {
  std::vector<unsigned char> memory(32 * chunk);
  zmm::buffer_storage fixed{memory.data(), memory.size()};  // whose blocks grow into the free part behind them
  counting_storage source{fixed};
  engine<Heap> e{source};
  Heap& heap = e.heap();
  (void)heap.allocate(100);
  void* p = heap.allocate(4 * chunk);
  REQUIRE(heap.set_limit(heap.real_size() + chunk));
  CHECK(heap.resize_in_place(p, 4 * chunk, 6 * chunk, 6 * chunk) == 0);
  size_t const got = heap.resize_in_place(p, 4 * chunk, 4 * chunk + 1, 9 * chunk);
  CHECK(got >= 4 * chunk + 1);
  CHECK(got <= 5 * chunk);
  if constexpr (by_address<Heap>) {
    CHECK_THROWS_AS((void)heap.reallocate(p, 6 * chunk), zmm::memory_limit_exceeded);
    CHECK(heap.reallocate(p, 5 * chunk) == p);
  }
  CHECK(heap.real_size() <= heap.limit());
  CHECK(heap.stats().live_blocks == 2);
  heap.verify();
}

TEST_CASE_TEMPLATE("limit: passing it throws memory_limit_exceeded with the figures", Heap, HEAPS) {
  Heap heap;
  (void)heap.allocate(100);
  size_t const limit = 3 * chunk;
  REQUIRE(heap.set_limit(limit));
  try {
    (void)heap.allocate(5 * chunk);
    FAIL("the limit did not bind");
  } catch (zmm::memory_limit_exceeded const& e) {
    CHECK(e.requested() == 5 * chunk);
    CHECK(e.used() == heap.real_size());
    CHECK(e.limit() == limit);
    CHECK(std::strlen(e.what()) > 0);
  }
  CHECK(heap.try_allocate(5 * chunk) == nullptr);
  CHECK(heap.stats().live_blocks == 1);
  heap.verify();
}

TEST_CASE_TEMPLATE("limit: one below what is in use is refused and the old one kept", Heap, HEAPS) {
  counting_storage source;
  Heap heap{source};
  (void)heap.allocate(2 * chunk);
  (void)heap.allocate(100);
  REQUIRE(heap.set_limit(10 * chunk));
  CHECK_FALSE(heap.set_limit(chunk));
  CHECK(heap.limit() == 10 * chunk);
  CHECK_FALSE(heap.set_limit(0));
  CHECK(heap.limit() == 10 * chunk);
  CHECK(heap.set_limit(heap.real_size()));
  CHECK(heap.remaining() == 0);
  CHECK(heap.set_limit(no_limit));
}

TEST_CASE("limit: cached chunks are given back to make one fit") {
  counting_storage source;
  zmm::heap heap{source};
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 8; ++i) (void)heap.allocate(chunk - 4096);
    heap.release();
  }
  REQUIRE(heap.real_size() > 2 * chunk);
  (void)heap.allocate(100);
  size_t const limit = chunk + 65536;  // one chunk, and the heap's own index of its chunks
  CHECK(heap.set_limit(limit));
  CHECK(heap.stats().cached_chunks == 0);
  CHECK(source.live() <= limit);
}

TEST_CASE_TEMPLATE("limit: the heap trims and collects before it fails", Heap, HEAPS) {
  Heap heap;
  REQUIRE(heap.set_limit(2 * chunk));
  std::vector<void*> blocks;
  while (void* p = heap.try_allocate(512)) blocks.push_back(p);
  CHECK(blocks.size() > 7000);
  for (void* p : blocks) heap.deallocate(p, 512);
  CHECK(heap.try_allocate(chunk / 2) != nullptr);  // only once the runs of 512 are collected
  CHECK(heap.try_allocate(chunk / 2) != nullptr);
  CHECK(heap.real_size() <= 2 * chunk);
  heap.verify();
}

TEST_CASE_TEMPLATE("limit: set to nothing before first use, an allocation fails and a later one does not", Heap, HEAPS) {
  Heap heap;
  REQUIRE(heap.set_limit(0));
  CHECK(heap.try_allocate(1) == nullptr);
  CHECK_THROWS_AS((void)heap.allocate(1), zmm::memory_limit_exceeded);
  heap.verify();
  REQUIRE(heap.set_limit(chunk));
  CHECK(heap.try_allocate(1) != nullptr);
}

template <class Heap> struct hook_state {
  Heap* heap = nullptr;
  void* victim = nullptr;
  int calls = 0;
  size_t needed = 0;
  bool answer = true;
  bool allocates = false;
  void* made = nullptr;
};
template <class Heap> bool free_victim(void* user, size_t needed) noexcept {
  auto& state = *static_cast<hook_state<Heap>*>(user);
  ++state.calls;
  state.needed = needed;
  if (state.victim != nullptr) state.heap->deallocate(state.victim);
  state.victim = nullptr;
  (void)state.heap->trim();
  if (state.allocates) state.made = state.heap->try_allocate(100 * chunk);  // fails, and calls no second hook
  if (state.allocates && state.made == nullptr) state.made = state.heap->try_allocate(64);
  return state.answer;
}

TEST_CASE_TEMPLATE("hook: called once before failing, what it frees is used", Heap, HEAPS) {
  Heap heap;
  hook_state<Heap> state;
  state.heap = &heap;
  heap.on_limit(&free_victim<Heap>, &state);
  (void)heap.allocate(100);
  state.victim = heap.allocate(4 * chunk);
  REQUIRE(heap.set_limit(heap.real_size()));
  SUBCASE("it frees enough") {
    void* p = heap.allocate(3 * chunk);
    CHECK(p != nullptr);
    CHECK(state.calls == 1);
    CHECK(state.needed > 0);
  }
  SUBCASE("it frees enough for a reallocation") {
    void* p = heap.allocate(1000);
    std::memset(p, 9, 1000);
    p = heap.reallocate(p, 3 * chunk);
    CHECK(static_cast<unsigned char*>(p)[999] == 9);
    CHECK(state.calls == 1);
  }
  SUBCASE("it does not free enough") {
    CHECK(heap.try_allocate(50 * chunk) == nullptr);
    CHECK(state.calls == 1);
    CHECK_THROWS_AS((void)heap.allocate(50 * chunk), zmm::memory_limit_exceeded);
    CHECK(state.calls == 2);
  }
  SUBCASE("it says not to try again") {
    state.answer = false;
    CHECK(heap.try_allocate(50 * chunk) == nullptr);
    CHECK(state.calls == 1);
  }
  SUBCASE("it allocates itself, and no second hook runs inside it") {
    state.allocates = true;
    CHECK(heap.try_allocate(3 * chunk) != nullptr);
    CHECK(state.calls == 1);
    CHECK(heap.owns(state.made));
  }
  SUBCASE("taken off again it is not called") {
    heap.on_limit(nullptr, nullptr);
    CHECK(heap.try_allocate(50 * chunk) == nullptr);
    CHECK(state.calls == 0);
  }
  heap.verify();
}
}  // namespace
