// Visits, where random walks do not go: their ends, visitors that use heaps, threads, many chunks, systems without memory.
#include "../support/child.hpp"
#include "../support/counting_storage.hpp"
#include "../support/threads.hpp"
#include "../support/visited.hpp"
#include <doctest/doctest.h>
#include <atomic>
#include <set>
#include <string>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

// Under a sanitizer, or where blocks are malloc's, engines know what was asked for and nothing of slots.
bool const is_watched_anyway = zmm::detail::under_sanitizer || zmm::detail::forwards_now();

// What is left in debug heaps on purpose is nobody's news while it lives.
class no_reports {
public:
  no_reports() : old_(zmm::set_leak_sink([](zmm::leak_report const&) noexcept {})) {}
  ~no_reports() { zmm::set_leak_sink(old_); }

private:
  zmm::leak_sink old_;
};

template <class Heap> size_t count_blocks(Heap const& heap) {
  size_t count = 0;
  heap.visit([&](zmm::block_info const&) { return ++count != 0; });
  return count;
}

#define EVERY_ENGINE                                                                                                   \
  zmm::heap, zmm::hardened_heap, zmm::debug_heap, zmm::synchronized_heap, zmm::hardened_synchronized_heap,             \
      zmm::debug_synchronized_heap, zmm::segment_heap, zmm::hardened_segment_heap, zmm::debug_segment_heap,            \
      zmm::request_heap, zmm::hardened_request_heap, zmm::debug_request_heap

TEST_CASE_TEMPLATE("visit: an engine without a block has none to tell of", Heap, EVERY_ENGINE) {
  no_reports const quiet;
  Heap heap;
  CHECK(count_blocks(heap) == 0);
  void* const p = heap.allocate(100000);
  CHECK(count_blocks(heap) == 1);
  heap.deallocate(p, 100000);
  CHECK(count_blocks(heap) == 0);
  (void)heap.allocate(5000);
  heap.release();
  CHECK(count_blocks(heap) == 0);
}

TEST_CASE_TEMPLATE("visit: ends where the visitor says so", Heap, EVERY_ENGINE) {
  no_reports const quiet;
  Heap heap;
  for (size_t i = 0; i < 10; ++i) (void)heap.allocate(10000);
  size_t seen = 0;
  CHECK_FALSE(heap.visit([&](zmm::block_info const&) { return ++seen != 3; }));
  CHECK(seen == 3);
  seen = 0;
  if (!zmm::detail::forwards_now()) {
    CHECK_FALSE(heap.visit([&](zmm::area_info const&) { return ++seen == 0; }));
    CHECK(seen == 1);
  }
  CHECK(heap.visit([](zmm::area_info const&) { return true; }));
  heap.release();
}

TEST_CASE("visit: the visitor allocates and frees, there and elsewhere") {
  no_reports const quiet;
  zmm::debug_heap debug;
  zmm::heap plain, other;
  auto const churn = [&](auto& heap) {
    std::set<void const*> expected, seen;
    for (size_t i = 0; i < 3000; ++i) expected.insert(heap.allocate(i % 5000 + 1));
    std::vector<void*> own;
    heap.visit([&](zmm::block_info const& b) {
      if (expected.count(b.address) != 0) CHECK(seen.insert(b.address).second);
      own.push_back(heap.allocate(b.usable));
      other.deallocate(other.allocate(64), 64);
      if (own.size() % 3 == 0) {
        heap.deallocate(own.back());
        own.pop_back();
      }
      return true;
    });
    CHECK(seen == expected);
    heap.verify();
    heap.release();
  };
  churn(plain);
  churn(debug);
  zmm::synchronized_heap shared;
  churn(shared);
  zmm::segment_heap segments;
  churn(segments);
}

TEST_CASE("visit: more chunks, segments and blocks than are copied at once") {
  no_reports const quiet;
  zmm::basic_heap<small_chunks> many;
  std::set<void const*> expected;
  for (size_t i = 0; i < 300; ++i) expected.insert(many.allocate(200000));  // a chunk each
  for (size_t i = 0; i < 300; ++i) expected.insert(many.allocate(300000));  // huge
  std::set<void const*> seen;
  many.visit([&](zmm::block_info const& b) { return seen.insert(b.address).second; });
  CHECK(seen == expected);

  zmm::debug_heap debug;
  std::uint64_t last = 0;
  for (size_t i = 0; i < 70000; ++i) (void)debug.allocate(1);
  size_t count = 0;
  debug.visit([&](zmm::block_info const& b) {
    CHECK_MESSAGE(b.number > last, "the oldest comes first");
    last = b.number;
    return ++count != 0;
  });
  CHECK(count == 70000);
  debug.release();

  zmm::basic_segment_heap<small_segments> segments;
  for (size_t i = 0; i < 40000; ++i) (void)segments.allocate(300);
  CHECK(count_blocks(segments) == 40000);
}

TEST_CASE("visit: takes nothing from the heap or its storage") {
  counting_storage source;
  zmm::heap heap{source};
  for (size_t i = 0; i < 1000; ++i) (void)heap.allocate(5000);
  size_t const calls = source.allocations, real = heap.real_size();
  CHECK(count_blocks(heap) == 1000);
  CHECK(source.allocations == calls);
  CHECK(heap.real_size() == real);
}

TEST_CASE("visit: a system without memory is asked for none that it needs") {
  CHECK(holds_in_child([](findings& found) {
    zmm::basic_heap<small_chunks> heap;
    for (size_t i = 0; i < 1000; ++i) (void)heap.allocate(5000);
    limit_to(RLIMIT_AS, 0);
    found.that(count_blocks(heap) == 1000, "all blocks are told of");
  }));
}

TEST_CASE("visit: blocks of debug engines say where they are from") {
  zmm::debug_heap heap;
  zmm::label const scope{"parse"};
  void* const p = heap.allocate(40);
  unsigned const line = __LINE__ - 1;
  size_t count = 0;
  heap.visit([&](zmm::block_info const& b) {
    CHECK(b.address == p);
    CHECK(b.bytes == 40);
    CHECK(b.site.line == line);
    CHECK(std::string(b.site.file) == __FILE__);
    CHECK(std::string(b.label) == "parse");
    return ++count != 0;
  });
  CHECK(count == 1);
  heap.deallocate(p, 40);
}

TEST_CASE("visit: a slot says its bin, a block what it has room for") {
  if (is_watched_anyway) return;
  zmm::heap heap;
  void *const small = heap.allocate(100), *const large = heap.allocate(50000), *const huge = heap.allocate(3 << 20);
  std::vector<zmm::block_info> blocks;
  heap.visit([&](zmm::block_info const& b) {
    blocks.push_back(b);
    return true;
  });
  REQUIRE(blocks.size() == 3);
  for (auto const& b : blocks) {
    if (b.address == small) {
      CHECK(b.kind == zmm::area_kind::run);
      CHECK(b.bin == 10);
      CHECK(b.usable == 112);
    } else if (b.address == large) {
      CHECK(b.kind == zmm::area_kind::large);
      CHECK(b.usable == 53248);
    } else {
      CHECK(b.address == huge);
      CHECK(b.kind == zmm::area_kind::huge);
      CHECK(b.bin == zmm::no_bin);
    }
  }
}

TEST_CASE("visit: what threads have freed into depots, and left behind, is not live") {
  zmm::synchronized_heap heap;
  std::vector<void*> blocks;
  for (size_t i = 0; i < 10000; ++i) blocks.push_back(heap.allocate(64));
  in_a_thread([&] {
    for (size_t i = 0; i < 9000; ++i) heap.deallocate(blocks[i], 64);
  });
  std::set<void const*> const expected(blocks.begin() + 9000, blocks.end());
  std::set<void const*> seen;
  bool certain = true;
  heap.visit([&](zmm::block_info const& b) {
    certain = certain && b.certain;
    return seen.insert(b.address).second;
  });
  CHECK(seen == expected);
  CHECK(certain);  // the other thread has ended: nobody else has a cache
}

TEST_CASE("visit: what another thread has in its cache is told of as not certain") {
  if (is_watched_anyway) return;
  zmm::synchronized_heap heap;
  std::atomic<int> step{0};
  void* kept = nullptr;
  std::thread other([&] {
    kept = heap.allocate(64);
    heap.deallocate(heap.allocate(64), 64);
    step = 1;
    while (step != 2) std::this_thread::yield();
  });
  while (step != 1) std::this_thread::yield();
  bool found = false;
  heap.visit([&](zmm::block_info const& b) {
    found = found || b.address == kept;
    CHECK_FALSE(b.certain);
    return true;
  });
  CHECK(found);
  step = 2;
  other.join();
  CHECK(count_blocks(heap) == 1);
  heap.deallocate(kept, 64);
}

TEST_CASE_TEMPLATE("visit: while other threads allocate and free", Heap, zmm::synchronized_heap,
                   zmm::hardened_synchronized_heap, zmm::debug_synchronized_heap) {
  no_reports const quiet;
  Heap heap;
  std::set<void const*> mine;
  for (size_t i = 0; i < 500; ++i) mine.insert(heap.allocate(i * 9 + 1));
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      std::vector<std::pair<void*, size_t>> blocks;
      random_source random{t};
      while (!stop) {
        size_t const bytes = random.one_in(50) ? 100000 : random.below(4000) + 1;
        blocks.emplace_back(heap.allocate(bytes), bytes);
        if (blocks.size() > 200) {
          size_t const at = random.below(blocks.size());
          heap.deallocate(blocks[at].first, blocks[at].second);
          blocks[at] = blocks.back();
          blocks.pop_back();
        }
      }
      for (auto const& b : blocks) heap.deallocate(b.first, b.second);
    });
  for (size_t i = 0; i < 50; ++i) {
    size_t found = 0;
    heap.visit([&](zmm::block_info const& b) {
      found += mine.count(b.address);
      return true;
    });
    CHECK_MESSAGE(found == mine.size(), "what lives all the time is told of once");
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  std::set<void const*> left;
  heap.visit([&](zmm::block_info const& b) { return left.insert(b.address).second; });
  CHECK(left == mine);
  heap.release();
}

TEST_CASE("visit: through faces, the process's heap, and const ones") {
  zmm::heap_resource resource;
  void* const p = resource.allocate(100);
  CHECK(count_blocks(static_cast<zmm::heap_resource const&>(resource)) == 1);
  resource.deallocate(p, 100);
  void* const q = zmm::thread_heap::allocate(100);
  bool found = false;
  zmm::thread_heap::visit([&](zmm::block_info const& b) {
    found = found || b.address == q;
    return true;
  });
  CHECK(found);
  zmm::thread_heap::deallocate(q, 100);
}

TEST_CASE("visit: a pool tells what is lent and what is kept warm") {
  if (is_watched_anyway) return;
  zmm::request_pool pool;
  auto const lent = [&] {
    size_t bytes = 0;
    pool.visit([&](zmm::area_info const& a) {
      bytes += a.live_bytes;
      return true;
    });
    return bytes;
  };
  CHECK(lent() == 0);
  {
    zmm::request_resource request{pool};
    for (size_t i = 0; i < 1000; ++i) (void)request.allocate(i * 11 + 1);
    (void)request.allocate(5 << 20);
    CHECK(lent() == pool.stats().used);
    zmm::request_resource child{zmm::within, request};
    (void)child.allocate(70000);
    CHECK(lent() == pool.stats().used);
  }
  CHECK(pool.stats().slabs_free != 0);
  CHECK(lent() == 0);
}

TEST_CASE("visit: a request with a buffer of its caller's") {
  if (is_watched_anyway) return;
  alignas(64) static char buffer[4096];
  zmm::request_resource request{buffer, sizeof buffer};
  (void)request.allocate(100);
  visited const v = visited::of(request);
  REQUIRE(v.areas.size() == 1);
  CHECK(v.areas[0].address == buffer);
  CHECK(v.live() == 1);
  CHECK(v.live_bytes() == request.stats().size);
}

TEST_CASE("visit: in the child of a fork") {
  zmm::synchronized_heap heap;
  void* const p = heap.allocate(100);
  CHECK(holds_in_child([&](findings& found) { found.that(count_blocks(heap) == 1, "the block is told of"); }));
  heap.deallocate(p, 100);
}

}  // namespace
