// Engines that forward each block to malloc: figures, limits, hooks and release() are as without.
#include <zmm/zmm.hpp>

#include "../support/counting_storage.hpp"
#include "../support/malloc_bytes.hpp"
#include "../support/random_walk.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <list>
#include <map>
#include <memory_resource>
#include <string>
#include <thread>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

// Engines that are made while it lives forward.
class forwarding_scope {
public:
  forwarding_scope() : before_(zmm::detail::forwarding_now.load()) { zmm::passthrough(true); }
  ~forwarding_scope() { zmm::detail::forwarding_now.store(before_); }
  forwarding_scope(forwarding_scope const&) = delete;
  forwarding_scope& operator=(forwarding_scope const&) = delete;

private:
  zmm::detail::forwarding before_;
};

// What malloc's blocks grew by since.
class malloc_growth {
public:
  std::ptrdiff_t bytes() const { return static_cast<std::ptrdiff_t>(malloc_bytes()) - before_; }

private:
  std::ptrdiff_t before_ = static_cast<std::ptrdiff_t>(malloc_bytes());
};

#define ZMM_TEST_ENGINES zmm::heap, zmm::request_heap, zmm::synchronized_heap, zmm::segment_heap

template <class Heap> void walk(std::uint64_t first_seed) {
  forwarding_scope const forwards;
  size_t failures = 0, hook_calls = 0, resizes = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + walk_seeds(); ++seed) {
    CAPTURE(seed);
    walk_options options;
    options.forwards = true;
    options.limits = seed % 2 != 0;
    counting_storage counted;
    engine<Heap> under_test{counted};
    random_walk<Heap> path{under_test, counted, seed, options};
    path.run(walk_steps(10000));
    failures += path.failures();
    hook_calls += path.hook_calls();
    resizes += path.resizes();
  }
  CHECK(failures > 0);
  CHECK(hook_calls > 0);
  CHECK(resizes > 0);
}

TEST_CASE("passthrough: random walk of a heap") { walk<zmm::heap>(1000); }
TEST_CASE("passthrough: random walk of a heap with 256 KiB chunks") { walk<zmm::basic_heap<small_chunks>>(2000); }
TEST_CASE("passthrough: random walk of a hardened heap") { walk<zmm::hardened_heap>(3000); }
TEST_CASE("passthrough: random walk of a request") { walk<zmm::request_heap>(4000); }
TEST_CASE("passthrough: random walk of a hardened request") { walk<zmm::hardened_request_heap>(5000); }
TEST_CASE("passthrough: random walk of a synchronized heap") { walk<zmm::synchronized_heap>(6000); }

TEST_CASE_TEMPLATE("passthrough: blocks are malloc's, and release() and the end free all of them", Heap,
                   ZMM_TEST_ENGINES) {
  forwarding_scope const forwards;
  counting_storage source;
  malloc_growth const growth;
  {
    engine<Heap> e{source};
    for (int round = 0; round < 2; ++round) {
      for (size_t i = 0; i < 100; ++i) (void)e.heap().allocate(5000 + i, size_t{1} << (i % 8));
      CHECK(growth.bytes() >= 100 * 5000);
      CHECK(e.heap().stats().live_blocks == 100);
      if (round == 0) {
        e.heap().release();
        CHECK(growth.bytes() < 5000);
        CHECK(e.heap().stats().live_blocks == 0);
      }
    }
  }
  CHECK(growth.bytes() < 5000);
  CHECK(source.live() == 0);
}

TEST_CASE_TEMPLATE("passthrough: engines stay what they were made as", Heap, ZMM_TEST_ENGINES) {
  counting_storage source;
  zmm::detail::forwarding const before = zmm::detail::forwarding_now.load();
  zmm::passthrough(false);
  engine<Heap> plain{source};
  void* const p = plain.heap().allocate(100);
  zmm::passthrough(true);
  engine<Heap> forwarding{source};
  zmm::passthrough(false);
  size_t const lent = source.live();
  malloc_growth const growth;
  void* const q = plain.heap().allocate(20'000);
  if (!always_watched<Heap>) CHECK(growth.bytes() < 1000);
  void* const r = forwarding.heap().allocate(20'000);
  CHECK(growth.bytes() >= 20'000);
  CHECK(lent > 0);
  plain.heap().deallocate(p, 100);
  plain.heap().deallocate(q, 20'000);
  forwarding.heap().deallocate(r, 20'000);
  zmm::detail::forwarding_now.store(before);
}

TEST_CASE_TEMPLATE("passthrough: a limit binds, calls its hook, and lifts", Heap, ZMM_TEST_ENGINES) {
  forwarding_scope const forwards;
  counting_storage source;
  engine<Heap> e{source};
  Heap& heap = e.heap();
  void* kept = heap.allocate(50'000);
  REQUIRE(heap.set_limit(heap.real_size() + 10'000));
  CHECK(heap.remaining() == 10'000);
  struct state {
    Heap& heap;
    void*& block;
    int calls;
  } s{heap, kept, 0};
  heap.on_limit(
      [](void* user, size_t needed) noexcept {
        state& at = *static_cast<state*>(user);
        ++at.calls;
        if (needed != 30'000 || at.block == nullptr) return false;
        at.heap.deallocate(at.block, 50'000);
        at.block = nullptr;
        return true;
      },
      &s);
  void* const p = heap.allocate(30'000);  // the hook frees
  CHECK(s.calls == 1);
  CHECK_THROWS_AS((void)heap.allocate(60'000), zmm::memory_limit_exceeded);
  CHECK(s.calls == 2);
  CHECK(heap.try_allocate(60'000) == nullptr);
  {
    zmm::limit_lift<Heap> const lift{heap};
    heap.deallocate(heap.allocate(60'000), 60'000);
  }
  CHECK(!heap.set_limit(100));
  heap.deallocate(p, 30'000);
  CHECK(heap.stats().size == 0);
}

TEST_CASE_TEMPLATE("passthrough: containers through the typed face, whose nodes are freed late", Heap,
                   ZMM_TEST_ENGINES) {
  forwarding_scope const forwards;
  counting_storage source;
  engine<Heap> e{source};
  struct large {
    unsigned char bytes[2000];
  };
  std::vector<unsigned> numbers;
  {
    std::list<large, zmm::allocator<large, Heap>> nodes{e.heap()};
    std::map<int, int, std::less<>, zmm::allocator<std::pair<int const, int>, Heap>> pairs{e.heap()};
    malloc_growth const growth;
    for (int round = 0; round < 5; ++round) {
      for (int i = 0; i < 200; ++i) {
        nodes.emplace_back();
        pairs[i] = round;
      }
      CHECK(e.heap().stats().live_blocks == 400);
      CHECK(growth.bytes() >= 200 * 2000);
      nodes.clear();
      pairs.clear();
      CHECK(e.heap().stats().live_blocks == 0);  // asking is a call: what was listed is freed now
      CHECK(e.heap().stats().size == 0);
      CHECK(growth.bytes() < 200 * 100);
      e.heap().verify();
    }
    nodes.emplace_back();
    pairs[1] = 1;
  }
  e.heap().release();  // with blocks that are listed and not yet freed
  CHECK(e.heap().stats().live_blocks == 0);
  (void)e.heap().allocate(10);
}

TEST_CASE_TEMPLATE("passthrough: through std::pmr", Heap, ZMM_TEST_ENGINES) {
  forwarding_scope const forwards;
  malloc_growth const growth;
  {
    zmm::resource<Heap> face;
    std::pmr::vector<std::pmr::string> words{&face};
    for (int i = 0; i < 500; ++i) words.emplace_back(2000, 'x');
    CHECK(growth.bytes() >= 500 * 2000);
    words.erase(words.begin(), words.begin() + 250);
    words.shrink_to_fit();
    CHECK(face.stats().live_blocks == 251);
    face.verify();
  }
  CHECK(growth.bytes() < 5000);
}

TEST_CASE("passthrough: what runs at a request's end, requests in requests, objects of a request") {
  forwarding_scope const forwards;
  malloc_growth const growth;
  int ends = 0;
  {
    zmm::request_resource parent;
    zmm::request_resource child{zmm::within, parent};
    auto* const words = child.create<std::pmr::vector<std::pmr::string>>();
    for (int i = 0; i < 100; ++i) words->emplace_back(3000, 'x');
    child.on_end([&] { ++ends; });
    parent.on_end([&] { ends += 10; });
    CHECK(parent.real_size() >= child.real_size());
    CHECK(child.real_size() >= 100 * 3000);
    CHECK(growth.bytes() >= 100 * 3000);
    parent.release();
    CHECK(ends == 11);
    CHECK(child.stats().live_blocks == 0);
    CHECK(parent.real_size() == 0);
    CHECK(growth.bytes() < 3000);
    (void)child.allocate(4000);
    (void)parent.allocate(4000);
  }
  CHECK(growth.bytes() < 3000);
}

TEST_CASE("passthrough: a request does without the caller's buffer") {
  forwarding_scope const forwards;
  malloc_growth const growth;
  alignas(16) unsigned char buffer[50'000];
  {
    zmm::request_resource request{buffer, sizeof buffer};
    auto* const p = static_cast<unsigned char*>(request.allocate(10'000));
    if (!always_watched<zmm::request_heap>) CHECK((p < buffer || p >= buffer + sizeof buffer));
    CHECK(growth.bytes() >= 10'000);
    request.release();
    (void)request.allocate(10'000);
  }
  CHECK(growth.bytes() < 5000);
}

TEST_CASE("passthrough: blocks of a synchronized heap go from thread to thread") {
  forwarding_scope const forwards;
  malloc_growth const growth;
  {
    zmm::synchronized_heap heap;
    std::vector<void*> blocks(1000);
    for (int round = 0; round < 4; ++round) {
      std::thread([&] {
        for (void*& p : blocks) p = heap.allocate(3000);
      }).join();
      std::thread other([&] {
        for (size_t i = 0; i < 500; ++i) heap.deallocate(blocks[i], 3000);
      });
      for (size_t i = 500; i < 1000; ++i) heap.deallocate(blocks[i]);
      other.join();
    }
    CHECK(heap.stats().live_blocks == 0);
    std::thread([&] { (void)heap.allocate(3000); }).join();
  }
  CHECK(growth.bytes() < 100'000);
}

TEST_CASE_TEMPLATE("passthrough: blocks are to the byte, and usable_size() says so", Heap, zmm::heap,
                   zmm::synchronized_heap, zmm::segment_heap) {
  forwarding_scope const forwards;
  Heap heap;
  for (size_t bytes : std::initializer_list<size_t>{1, 13, 100, 5000, 3'000'000}) {
    void* const p = heap.allocate(bytes);
    CHECK(heap.usable_size(p) == bytes);
    CHECK(heap.owns(p));
    heap.deallocate(p);
  }
  void* p = heap.allocate(0);
  CHECK(heap.usable_size(p) == 1);
  p = heap.reallocate(p, 1000, std::align_val_t{64});
  CHECK(reinterpret_cast<std::uintptr_t>(p) % 64 == 0);
  heap.deallocate(p, 1000, 64);
  CHECK(heap.stats().live_blocks == 0);
}
}  // namespace
