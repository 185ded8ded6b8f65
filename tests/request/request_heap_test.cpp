// request_heap: packed blocks, lists by size and alignment, what a request costs and what it leaves behind.
#include <zmm/zmm.hpp>

#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <algorithm>
#include <cstring>
#include <doctest/doctest.h>
#include <initializer_list>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;

TEST_CASE("request: unused it takes nothing from its pool") {
  counting_storage source;
  zmm::request_pool pool{source};
  {
    zmm::request_resource request{pool};
    request.verify();
    CHECK(request.real_size() == 0);
    CHECK(request.stats().live_blocks == 0);
    CHECK(pool.stats().in_flight == 0);
  }
  CHECK(source.allocations == 0);
}

TEST_CASE("request: blocks of every kind at every alignment up to 8 MiB") {
  checking_storage source;
  zmm::request_pool pool{source};
  zmm::request_resource request{pool};
  zmm::request_heap& heap = request.heap();
  for (size_t alignment = 1; alignment <= 4 * chunk; alignment *= 2) {
    std::vector<std::pair<void*, size_t>> blocks;
    for (size_t bytes :
         {size_t{0}, size_t{1}, size_t{63}, size_t{3072}, size_t{3073}, size_t{9000}, chunk - 4096, chunk, 3 * chunk}) {
      void* p = heap.allocate(bytes, alignment);
      REQUIRE(p != nullptr);
      CHECK(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
      std::memset(p, 0x22, bytes);
      blocks.emplace_back(p, bytes);
    }
    heap.verify();
    for (auto [p, bytes] : blocks) heap.deallocate(p, bytes, alignment);
    CHECK(heap.stats().size == 0);
    CHECK(heap.stats().live_blocks == 0);
  }
}

TEST_CASE("request: blocks of no bytes are distinct") {
  zmm::request_resource request;
  std::set<void*> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(request.heap().allocate(0, 1));
  for (int i = 0; i < 10; ++i) seen.insert(request.heap().allocate(0, 4096));
  CHECK(seen.size() == 1010);
  CHECK(seen.count(nullptr) == 0);
  CHECK(request.stats().live_blocks == 1010);
}

TEST_CASE("request: the null pointer is freed without effect") {
  zmm::request_resource request;
  request.heap().deallocate(nullptr, 0, 1);
  request.heap().deallocate(nullptr, 100, 8);
  request.heap().deallocate(nullptr, 3 * chunk, 4096);
  CHECK(request.stats().live_blocks == 0);
  request.verify();
}

TEST_CASE("request: small blocks of mixed sizes are packed") {
  zmm::request_resource request;
  size_t asked = 0;
  random_source random{5};
  for (int i = 0; i < 10000; ++i) {
    size_t const bytes = random.between(1, 400);
    (void)request.heap().allocate(bytes, 8);
    asked += slot_of(bytes, 8);
  }
  CHECK(request.real_size() <= asked + asked / 4 + 64 * 1024);
}

TEST_CASE("request: what is freed is used again for the same size and alignment") {
  zmm::request_resource request;
  zmm::request_heap& heap = request.heap();
  for (size_t alignment : std::initializer_list<size_t>{8, 16, 32, 64})
    for (size_t bytes : std::initializer_list<size_t>{8, 100, 640, 3072}) {
      void* p = heap.allocate(bytes, alignment);
      heap.deallocate(p, bytes, alignment);
      CHECK(heap.allocate(bytes, alignment) == p);
    }
  heap.verify();
}

// What request_heap.hpp documents, for blocks of 32 and 64 as well: those have bins of their own, in steps of 64 bytes.
TEST_CASE("request: the footprint is bounded by the sum of each bin's peak") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    zmm::request_pool pool;
    zmm::request_resource request{pool};
    zmm::request_heap& heap = request.heap();
    random_source random{seed};
    bool const wide = seed > 3;
    struct use {
      size_t live = 0, peak = 0;
    };
    std::map<std::pair<size_t, bool>, use> bins;  // by slot, and whether aligned beyond 16
    auto const bin_of = [](size_t bytes, size_t alignment) {
      return std::pair(slot_of(bytes, alignment > 16 ? 64 : alignment), alignment > 16);
    };
    struct block {
      void* p;
      size_t bytes, alignment;
    };
    std::vector<block> blocks;
    size_t target = 100;
    for (size_t i = 0; i < scaled(60000); ++i) {
      if (i % 2000 == 0) target = size_t{10} << random.below(9);
      if (blocks.size() < target ? !random.one_in(4) : random.one_in(4)) {
        size_t const alignment = size_t{8} << random.below(wide ? 4 : 2),
                     bytes = random.one_in(8) ? random.between(1, 3072) : random.between(1, 300);
        blocks.push_back({heap.allocate(bytes, alignment), bytes, alignment});
        use& u = bins[bin_of(bytes, alignment)];
        u.peak = std::max(u.peak, ++u.live);
      } else if (!blocks.empty()) {
        block& b = blocks[random.below(blocks.size())];
        heap.deallocate(b.p, b.bytes, b.alignment);
        --bins[bin_of(b.bytes, b.alignment)].live;
        b = blocks.back();
        blocks.pop_back();
      }
    }
    size_t carved = wide ? 1024 : 0;  // the wide bins' own lists
    for (auto const& [bin, u] : bins) {
      carved += (u.peak + (bin.first <= 1024 ? 7 : 0)) * bin.first;
      carved += u.peak * (bin.second ? 56 : bin.first % 16 == 0 ? 8 : 0);  // gaps in front
    }
    zmm::statistics const s = heap.stats();
    CHECK(s.peak <= carved);
    // A slab's description and its end, for each; the open one is no larger than all before it, or is the first.
    size_t const filled = carved + s.chunks * (16 + 3200);
    CHECK(request.real_peak() <= filled + std::min(std::max(filled, size_t{4096}), chunk / 8));
    heap.verify();
  }
}

TEST_CASE("request: a bin alone carves its peak and at most seven blocks ahead") {
  for (size_t slot : bin_sizes) {
    zmm::request_pool pool;
    zmm::request_resource request{pool};
    zmm::request_heap& heap = request.heap();
    random_source random{slot};
    std::vector<void*> blocks;
    size_t peak = 0, slabs = 0;
    for (size_t i = 0; i < 2000; ++i) {
      if (i < 15 || random.below(5) > 1) {  // the first fifteen are one by one
        size_t const before = request.real_size();
        blocks.push_back(heap.allocate(slot, 8));
        peak = std::max(peak, blocks.size());
        if (size_t const fresh = request.real_size() - before; fresh != 0 && ++slabs > 1) REQUIRE(fresh <= before);
      } else if (!blocks.empty()) {
        std::swap(blocks[random.below(blocks.size())], blocks.back());
        heap.deallocate(blocks.back(), slot, 8);
        blocks.pop_back();
      }
      if (i % 10 == 0) REQUIRE(heap.stats().peak <= (peak + (slot <= 1024 && peak >= 16 ? 7 : 0)) * slot);
    }
    CHECK(heap.stats().chunks == slabs);
    CHECK(request.real_peak() <= 2 * (peak * slot + 8192 + slabs * (16 + 3200)));
  }
}

TEST_CASE("request: the pages of runs and huge blocks come back when they are freed") {
  counting_storage source;
  zmm::request_pool pool{source};
  zmm::request_resource request{pool};
  zmm::request_heap& heap = request.heap();
  void* run = heap.allocate(100000, 16);
  void* huge = heap.allocate(3 * chunk, 16);
  CHECK(request.stats().huge_blocks == 1);
  CHECK(request.real_size() >= 3 * chunk + 100000);
  heap.deallocate(huge, 3 * chunk, 16);
  heap.deallocate(run, 100000, 16);
  CHECK(request.stats().huge_blocks == 0);
  CHECK(request.real_size() <= 4096);  // where it keeps its list of paged blocks
  heap.verify();
}

TEST_CASE("request: its real bytes are the pages taken from the pool") {
  zmm::request_pool pool;
  zmm::request_resource request{pool};
  (void)request.heap().allocate(100, 8);
  size_t const first = request.real_size();
  CHECK(first >= 4096);
  CHECK(first <= 8 * 4096);
  CHECK(first % 4096 == 0);
  (void)request.heap().allocate(20000, 8);
  CHECK(request.real_size() == first + 5 * 4096);
  CHECK(pool.stats().used == request.real_size());
}

TEST_CASE("request: release ends it and leaves it ready for the next") {
  checking_storage source;
  zmm::request_pool pool{source};
  zmm::request_resource request{pool};
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 500; ++i)
      std::memset(request.heap().allocate(static_cast<size_t>(i) * 3 + 1, 8), round, static_cast<size_t>(i) * 3 + 1);
    (void)request.heap().allocate(50000, 8);
    if (round % 10 == 0) (void)request.heap().allocate(3 * chunk, 8);
    request.release();
    CHECK(request.stats().size == 0);
    CHECK(request.stats().live_blocks == 0);
    CHECK(pool.stats().in_flight == 0);
    request.verify();
  }
}

TEST_CASE("request: collect wins whole paged spans and keeps blocks") {
  zmm::request_resource request;
  auto* p = static_cast<unsigned char*>(request.heap().allocate(100, 8));
  std::memset(p, 3, 100);
  std::vector<void*> blocks;
  for (int i = 0; i < 5000; ++i) blocks.push_back(request.heap().allocate(200, 8));
  for (void* b : blocks) request.heap().deallocate(b, 200, 8);
  (void)request.collect();
  (void)request.trim();
  CHECK(p[99] == 3);
  CHECK(request.stats().live_blocks == 1);
  request.verify();
}

TEST_CASE("request: limit, hook and remaining work as in heap") {
  zmm::request_pool pool;
  zmm::request_resource request{pool};
  CHECK(request.limit() == ~size_t{0});
  void* big = request.allocate(200000, 8);
  size_t const held = request.real_size();
  CHECK_FALSE(request.set_limit(held - 1));
  CHECK(request.limit() == ~size_t{0});
  REQUIRE(request.set_limit(held + 8192));
  CHECK(request.remaining() == 8192);
  struct state_type {
    zmm::request_resource* request;
    void* victim;
    int calls;
  } state{&request, big, 0};
  request.on_limit(
      [](void* user, size_t needed) noexcept {
        auto& s = *static_cast<state_type*>(user);
        ++s.calls;
        if (s.victim == nullptr || needed == 0) return false;
        s.request->deallocate(s.victim, 200000, 8);
        s.victim = nullptr;
        return true;
      },
      &state);
  void* p = request.allocate(150000, 8);
  CHECK(p != nullptr);
  CHECK(state.calls == 1);
  try {
    (void)request.allocate(400000, 8);
    FAIL("the limit did not bind");
  } catch (zmm::memory_limit_exceeded const& e) {
    CHECK(e.requested() == 400000);
    CHECK(e.limit() == held + 8192);
    CHECK(e.used() == request.real_size());
  }
  CHECK(state.calls == 2);
  CHECK(request.real_size() <= request.limit());
  request.verify();
}

TEST_CASE("request: small blocks up to the limit, exactly") {
  zmm::request_pool pool;
  zmm::request_resource request{pool};
  REQUIRE(request.set_limit(100 * 4096));
  size_t got = 0;
  while (request.try_allocate(64, 8) != nullptr) {
    ++got;
    REQUIRE(request.real_size() <= 100 * 4096);
  }
  CHECK(got >= 90 * 4096 / 64);  // nearly all of it can be used
  request.verify();
}
}  // namespace
