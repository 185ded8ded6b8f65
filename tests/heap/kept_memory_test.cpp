// What is kept of chunks and huge blocks that come and go, and when it is given back: counted in calls of storage.
#include <zmm/zmm.hpp>

#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/failing_storage.hpp"
#include "../support/random.hpp"
#include "../support/stop_recorder.hpp"
#include <doctest/doctest.h>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;

// `rounds` rounds of up to `most` blocks taken and dropped. Returns the calls of storage, either way, in the second half.
template <class Heap> size_t calls_in_rounds(size_t bytes, size_t most, size_t rounds) {
  counting_storage source;
  engine<Heap> e{source};
  (void)e.heap().allocate(1000, 16);
  random_source random{5};
  size_t before = 0;
  for (size_t round = 0; round < rounds; ++round) {
    if (round == rounds / 2) before = source.takings() + source.deallocations + source.truncations;
    std::vector<void*> blocks;
    for (size_t i = random.between(2, most); i != 0; --i) blocks.push_back(e.heap().allocate(bytes, 16));
    for (void* p : blocks) e.heap().deallocate(p, bytes, 16);
  }
  e.heap().verify();
  e.source().verify();
  CHECK(e.source().real_size() == source.live());
  return source.takings() + source.deallocations + source.truncations - before;
}

TEST_CASE_TEMPLATE("kept: rounds of blocks that come and go cost no calls of storage", Heap, zmm::heap,
                   zmm::request_heap, zmm::hardened_heap, zmm::segment_heap, zmm::hardened_segment_heap,
                   zmm::basic_segment_heap<small_segments>) {
  for (size_t bytes : {size_t{100} << 10, size_t{200} << 10, size_t{700} << 10, size_t{3} << 20, size_t{40} << 20}) {
    CAPTURE(bytes);
    size_t const zeroed = Heap::options::zero_on_free ? bytes : 0;  // each time
    size_t const rounds = zeroed > size_t{32} << 20 ? 100 : zeroed > size_t{1} << 20 ? 500 : 2000;
    CHECK(calls_in_rounds<Heap>(bytes, 9, rounds) <= rounds / 100);
  }
}

// Bytes that storage has handed out in all.
class bytes_storage final : public zmm::storage {
public:
  std::uint64_t bytes = 0;
  void* allocate(size_t n, size_t alignment, size_t reserve) override {
    bytes += n;
    return below_.allocate(n, alignment, reserve);
  }
  void deallocate(void* p, size_t n, size_t reserve) noexcept override { below_.deallocate(p, n, reserve); }
  bool extend(void* p, size_t from, size_t to) noexcept override { return below_.extend(p, from, to) && (bytes += to - from, true); }
  bool truncate(void* p, size_t from, size_t to) noexcept override { return below_.truncate(p, from, to); }
  void* move(void* p, size_t from, size_t to, size_t alignment) noexcept override {
    if (to > from) bytes += to - from;
    return below_.move(p, from, to, alignment);
  }

private:
  zmm::storage& below_ = zmm::os_storage();
};

TEST_CASE_TEMPLATE("kept: large blocks of many sizes replaced in turn are mostly made of each other", Heap, zmm::heap,
                   zmm::request_heap, zmm::segment_heap) {
  bytes_storage source;
  engine<Heap> e{source};
  random_source random{7};
  struct block { void* p; size_t bytes; };
  std::vector<block> held(20, block{nullptr, 0});
  std::uint64_t asked = 0;
  size_t live = 0, most_live = 0, most_real = 0;
  for (int i = 0; i < 600; ++i) {
    block& b = held[random.below(held.size())];
    if (b.p != nullptr) e.heap().deallocate(b.p, b.bytes, 16);
    live -= b.bytes;
    b.bytes = random.between(5 << 20, 25 << 20);
    b.p = e.heap().allocate(b.bytes, 16);
    asked += b.bytes;
    live += b.bytes;
    most_live = live > most_live ? live : most_live;
    most_real = e.source().real_size() > most_real ? e.source().real_size() : most_real;
  }
  CHECK(source.bytes < asked / 5);
  CHECK(most_real < most_live + most_live / 2);
  e.source().verify();
}

#define HEAPS zmm::heap, zmm::segment_heap, zmm::hardened_segment_heap

TEST_CASE_TEMPLATE("kept: what comes once goes at once", Heap, HEAPS) {
  counting_storage source;
  Heap heap{source};
  std::vector<void*> blocks;
  for (int i = 0; i < 20; ++i) blocks.push_back(heap.allocate(5 * chunk, 16));
  for (void* p : blocks) heap.deallocate(p);
  CHECK(heap.real_size() < chunk);
}

// Takes and drops four blocks of 3 MiB until they are kept.
template <class Heap> void learn(Heap& heap) {
  for (int round = 0; round < 20; ++round) {
    void* blocks[4];
    for (void*& p : blocks) p = heap.allocate(3 << 20, 16);
    for (void* p : blocks) heap.deallocate(p);
  }
}
constexpr size_t learned = size_t{12} << 20;

TEST_CASE_TEMPLATE("kept: a heap that goes on with less gives back what it does not use", Heap, HEAPS) {
  counting_storage source;
  Heap heap{source};
  learn(heap);
  REQUIRE(heap.real_size() >= learned);
  SUBCASE("with one block of its size") {
    for (int i = 0; i < 3000; ++i) heap.deallocate(heap.allocate(3 << 20, 16));
    CHECK(heap.real_size() < size_t{4} << 20);
  }
  SUBCASE("with small blocks, taken and dropped by the thousand") {
    std::vector<void*> blocks;
    for (int round = 0; round < 150; ++round) {
      for (int i = 0; i < 2000; ++i) blocks.push_back(heap.allocate(2048, 16));
      for (void* p : blocks) heap.deallocate(p, 2048, 16);
      blocks.clear();
      heap.collect();
    }
    CHECK(heap.real_size() < learned);
    CHECK(heap.real_size() <= 5 * chunk);
  }
  SUBCASE("in requests") {
    for (int i = 0; i < 3; ++i) heap.release();
    CHECK(heap.real_size() <= chunk);
  }
  heap.verify();
  CHECK(heap.real_size() == source.live());
}

// Three blocks of 10 MiB that were made of such of 24 MiB.
struct smaller_ones {
  counting_storage source;
  zmm::heap heap{source};
  void* blocks[3];
  smaller_ones() {
    for (int round = 0; round < 20; ++round) {
      for (void*& p : blocks) p = heap.allocate(24 << 20, 16);
      for (void* p : blocks) heap.deallocate(p);
    }
    for (void*& p : blocks) {
      p = heap.allocate(10 << 20, 16);
      CHECK(heap.usable_size(p) == 10 << 20);
      std::memset(p, 'x', 10 << 20);
    }
    CHECK(heap.real_size() >= 72 << 20);
    CHECK(heap.stats().size == 30 << 20);
    heap.verify();
  }
  ~smaller_ones() {
    for (void* p : blocks) {
      CHECK(static_cast<char*>(p)[(10 << 20) - 1] == 'x');
      heap.deallocate(p);
    }
    heap.verify();
  }
};

TEST_CASE("kept: what lies behind a smaller block is used again once that is freed") {
  smaller_ones three;
  auto const before = three.source.takings();
  for (void*& p : three.blocks) {
    three.heap.deallocate(p);
    p = three.heap.allocate(24 << 20, 16);
    std::memset(p, 'x', 24 << 20);
  }
  CHECK(three.source.takings() == before);
}

TEST_CASE("kept: a smaller block grows into what lies behind it, and shrinks") {
  smaller_ones three;
  auto const before = three.source.takings();
  CHECK(three.heap.resize_in_place(three.blocks[0], 10 << 20, 20 << 20, 20 << 20) == 20 << 20);
  CHECK(three.source.takings() == before);
  three.heap.verify();
  three.blocks[1] = three.heap.reallocate(three.blocks[1], 30 << 20);
  three.heap.verify();
  std::memset(three.blocks[1], 'x', 30 << 20);
  three.blocks[2] = three.heap.reallocate(three.blocks[2], 11 << 20);
  std::memset(three.blocks[2], 'x', 11 << 20);
  CHECK(three.heap.resize_in_place(three.blocks[2], 11 << 20, 10 << 20, 10 << 20) == 10 << 20);
  three.heap.verify();
}

TEST_CASE("kept: what lies behind smaller blocks goes back to storage by trim, at a limit and if it is not used") {
  {
    smaller_ones three;
    CHECK(three.heap.trim() >= 40 << 20);
    CHECK(three.heap.real_size() < 32 << 20);
  }
  {
    smaller_ones three;
    size_t const now = three.heap.real_size();
    REQUIRE(three.heap.set_limit(now));
    void* const more = three.heap.allocate(40 << 20, 16);
    CHECK(three.heap.real_size() <= now);
    three.heap.verify();
    three.heap.deallocate(more);
  }
  {
    smaller_ones three;
    for (int i = 0; i < 3000; ++i) three.heap.deallocate(three.heap.allocate(3 << 20, 16));
    CHECK(three.heap.real_size() < 40 << 20);
  }
  smaller_ones three;
  three.heap.release();
  three.heap.verify();
  for (void*& p : three.blocks) {
    p = three.heap.allocate(10 << 20, 16);
    std::memset(p, 'x', 10 << 20);
  }
}

TEST_CASE_TEMPLATE("kept: trim gives all of it back", Heap, HEAPS) {
  counting_storage source;
  Heap heap{source};
  learn(heap);
  CHECK(heap.trim() >= learned);
  CHECK(source.live() == heap.real_size());
  CHECK(heap.real_size() == 0);
  heap.verify();
}

// A block with a guard page behind it is not enlarged.
TEST_CASE_TEMPLATE("kept: a limit counts it, and makes use of it", Heap, zmm::heap, zmm::segment_heap) {
  counting_storage source;
  Heap heap{source};
  learn(heap);
  size_t const real = heap.real_size();
  SUBCASE("set below it") {
    CHECK(heap.set_limit(chunk));
    CHECK(source.live() <= chunk);
  }
  SUBCASE("a block of another size needs the room") {
    REQUIRE(heap.set_limit(real));
    size_t const calls = source.allocations;
    void* const large = heap.try_allocate(11 << 20, 16);
    CHECK(large != nullptr);
    CHECK(source.allocations == calls + 1);
    CHECK(heap.try_allocate(11 << 20, 16) == nullptr);
    CHECK(source.peak() <= real);
    void* const run = heap.try_allocate(1000, 16);  // only as much is dropped as helps
    size_t const least = std::is_same_v<Heap, zmm::heap> ? chunk : 4096;
    CHECK((run != nullptr) == (heap.limit() >= (11 << 20) + 4096 + least));
  }
  SUBCASE("a block that cannot be had at all does not cost it") {
    REQUIRE(heap.set_limit(real));
    CHECK(heap.try_allocate(100 << 20, 16) == nullptr);
    CHECK(heap.real_size() == real);
  }
  SUBCASE("a huge block grows into it") {
    void* const p = heap.allocate(3 << 20, 16);
    REQUIRE(heap.set_limit(real));
    void* const q = heap.reallocate(p, 11 << 20);
    CHECK(q != nullptr);
    CHECK(source.peak() <= real);
  }
  heap.verify();
  CHECK(heap.real_size() == source.live());
}

TEST_CASE_TEMPLATE("kept: storage that has no more gets it back before anything fails", Heap, zmm::heap, zmm::segment_heap) {
  counting_storage counted;
  failing_storage source{counted};
  Heap heap{source};
  learn(heap);
  size_t const real = heap.real_size();
  source.fail_call(1);
  void* const p = heap.try_allocate(9 << 20, 16);
  CHECK(p != nullptr);
  CHECK(source.failures() == 1);
  CHECK(heap.real_size() <= real);
  source.disarm();
  heap.deallocate(p);
  heap.verify();
  // Whatever call of storage refuses, what is kept is whole afterwards.
  for (size_t n = 1; n < 40; ++n) {
    Heap other{source};
    learn(other);
    source.fail_call(n);
    random_source random{n};
    for (int i = 0; i < 20; ++i) {
      void* const q = other.try_allocate(random.between(3 << 19, 8 << 20), size_t{16} << random.below(20));
      if (q != nullptr && i % 2 == 0) other.deallocate(q);
      other.verify();
    }
    source.disarm();
  }
  CHECK(heap.real_size() == counted.live());
}

TEST_CASE_TEMPLATE("kept: a huge block that is used again shows nothing of before where that is promised", Heap,
                   zmm::paranoid_heap, zmm::paranoid_request_heap, zmm::paranoid_segment_heap) {
  counting_storage source;
  engine<Heap> e{source};
  constexpr size_t bytes = 3 << 20;
  size_t used_again = 0;
  for (int round = 0; round < 20; ++round) {
    size_t const before = source.allocations;
    auto* const p = static_cast<unsigned char*>(e.heap().allocate(bytes, 16));
    if (round > 0 && source.allocations == before) {
      ++used_again;
      size_t dirty = 0;
      for (size_t i = 0; i < bytes; ++i) dirty += p[i] != 0;
      CHECK(dirty == 0);
    }
    std::memset(p, 0xAB, bytes);
    if (round % 5 == 4) e.heap().release();
    else e.heap().deallocate(p, bytes, 16);
  }
  CHECK(used_again > 0);
}

// Detected: the stop handler is told the rule, and the program ends.
TEST_CASE("kept: a huge block freed twice, or written to after its free, is noticed") {
  auto const learned_heap = [](auto misuse) {
    return run_in_child([misuse] {
      zmm::hardened_heap heap;
      void* blocks[4];
      for (int round = 0; round < 20; ++round) {
        for (void*& p : blocks) p = heap.allocate(3 << 20, 16);
        for (void* p : blocks) heap.deallocate(p);
      }
      misuse(heap, blocks);
    });
  };
  child_result const twice = learned_heap([](zmm::hardened_heap& heap, void** blocks) { heap.deallocate(blocks[1]); });
  CHECK(twice.aborted);
  CHECK(twice.what == "a freed huge block belongs to this heap");
  if (zmm::detail::under_sanitizer) return;
  child_result const written = learned_heap([](zmm::hardened_heap& heap, void** blocks) {
    std::memset(blocks[3], 0x41, 64);
    for (int i = 0; i < 4; ++i) (void)heap.allocate(3 << 20, 16);
  });
  CHECK(written.aborted);
  CHECK(written.stopped);
  CHECK_FALSE(learned_heap([](zmm::hardened_heap& heap, void**) { CHECK_FALSE(heap.owns(nullptr)); }).stopped);
}
}  // namespace
