// Heaps of ended threads: their blocks live on, new threads take the heaps over, anyone's collect() empties them.
#include <zmm/zmm.hpp>

#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/scale.hpp"
#include "../support/threads.hpp"
#include <algorithm>
#include <array>
#include <atomic>
#include <doctest/doctest.h>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;

TEST_CASE("synchronized_heap: ten thousand short threads, some blocks of each freed by later ones") {
  checking_storage storage;
  {
    zmm::synchronized_heap heap{storage};
    std::atomic<size_t> faults{0};
    std::mutex lock;
    std::vector<marked_block> left;  // what ended threads left alive
    size_t const batches = scaled(625);
    for (size_t batch = 0; batch < batches; ++batch)
      in_threads(16, [&](size_t thread) {
        random_source random{batch * 16 + thread};
        std::vector<marked_block> mine;
        for (int i = 0; i < 12; ++i) {
          size_t const bytes =
              random.one_in(60) ? random.between(1, 3 * chunk) : random_size(random, chunk, 4096) % 9000;
          mine.push_back(marked(heap.allocate(bytes, 8), bytes, 8, random.next()));
        }
        {
          std::lock_guard<std::mutex> const guard(lock);
          for (int i = 0; i < 6; ++i) {
            left.push_back(mine.back());
            mine.pop_back();
          }
          for (int i = 0; i < 6 && left.size() > 100; ++i) {
            size_t const which = random.below(left.size());
            mine.push_back(left[which]);
            left[which] = left.back();
            left.pop_back();
          }
        }
        for (marked_block const& b : mine) {
          if (!intact(b)) ++faults;
          heap.deallocate(b.p, b.bytes, b.alignment);
        }
        if (random.one_in(50)) (void)heap.collect();
        if (random.one_in(200)) (void)heap.trim();
      });
    CHECK(faults == 0);
    heap.verify();
    CHECK(heap.stats().live_blocks == left.size());
    for (marked_block const& b : left) {
      CHECK(intact(b));
      heap.deallocate(b.p);
    }
    CHECK(heap.stats().live_blocks == 0);
    (void)heap.collect();
    (void)heap.trim();
    CHECK(heap.real_size() <= 2 * chunk);  // one for this thread, and one more
    heap.verify();
  }
}

TEST_CASE("synchronized_heap: threads one after the other take over one heap") {
  counting_storage source;
  zmm::synchronized_heap heap{source};
  for (size_t i = 0; i < scaled(500); ++i) {
    in_a_thread([&] {
      std::array<void*, 200> blocks;
      for (void*& p : blocks) p = heap.allocate(500);
      for (void* p : blocks) heap.deallocate(p, 500);
    });
    REQUIRE(heap.real_size() <= chunk + 65536);
  }
  CHECK(heap.stats().live_blocks == 0);
}

TEST_CASE("synchronized_heap: what an ended thread freed, whoever had allocated it, is handed out again") {
  for (size_t const bytes : {size_t{64}, size_t{1000}, size_t{3000}}) {
    zmm::synchronized_heap heap;
    std::vector<void*> first(200), second;
    for (void*& p : first) p = heap.allocate(bytes, 8);
    in_a_thread([&] {
      for (void* p : first) heap.deallocate(p, bytes, 8);
    });
    size_t const real = heap.real_size();
    for (size_t i = 0; i < 300; ++i) second.push_back(heap.allocate(bytes, 8));
    std::sort(first.begin(), first.end());
    std::sort(second.begin(), second.end());
    CHECK(std::includes(second.begin(), second.end(), first.begin(), first.end()));
    CHECK(heap.real_size() == real);
    for (void* p : second) heap.deallocate(p, bytes, 8);
    heap.verify();
  }
}

// A thread that uses slots of other threads has them in its cache when it ends, while a collection looks for whole runs.
TEST_CASE("synchronized_heap: threads that use slots of others end while another thread collects") {
  zmm::synchronized_heap heap;
  std::atomic<bool> over{false};
  std::array<std::atomic<size_t*>, 64> shared{};
  size_t const rounds = scaled(40);
  for (size_t round = 0; round < rounds; ++round) {
    over = false;
    std::thread collector([&] {
      while (!over) (void)heap.collect();
    });
    in_threads(3, [&](size_t thread) {
      for (size_t i = 0; i < 10; ++i)
        in_a_thread([&] {
          random_source random{round * 100 + thread * 10 + i};
          for (int k = 0; k < 400; ++k) {
            auto* const mine = static_cast<size_t*>(heap.allocate(200, 8));
            mine[0] = mine[24] = random.next();
            size_t* const other = shared[random.below(64)].exchange(mine, std::memory_order_acq_rel);
            if (other == nullptr) continue;
            if (other[0] != other[24]) FAIL_CHECK("contents lost");
            heap.deallocate(other, 200, 8);
          }
        });
    });
    over = true;
    collector.join();
    heap.verify();
  }
  for (auto& p : shared) heap.deallocate(p.load());
  CHECK(heap.stats().live_blocks == 0);
  heap.verify();
}

TEST_CASE("synchronized_heap: a heap taken over brings its live blocks, and its new thread frees them as its own") {
  zmm::synchronized_heap heap;
  std::vector<marked_block> blocks;
  in_a_thread([&] {
    for (size_t i = 0; i < 2000; ++i) {
      size_t const bytes = i % 700 + 1;
      blocks.push_back(marked(heap.allocate(bytes, 8), bytes, 8, i));
    }
  });
  size_t const before = heap.real_size();
  std::atomic<size_t> faults{0};
  in_a_thread([&] {
    void* const first = heap.allocate(8, 8);
    for (marked_block& b : blocks) {
      if (!intact(b)) ++faults;
      b.p = heap.reallocate(b.p, 2 * b.bytes, std::align_val_t{8});
      if (!intact(b, b.bytes)) ++faults;
      heap.deallocate(b.p, 2 * b.bytes, 8);
    }
    heap.deallocate(first, 8, 8);
  });
  CHECK(faults == 0);
  CHECK(heap.stats().live_blocks == 0);
  CHECK(heap.real_size() <= before + 2 * chunk);
  heap.verify();
}

TEST_CASE("synchronized_heap: what threads left and others freed is collected and given back") {
  counting_storage source;
  zmm::synchronized_heap heap{source};
  constexpr size_t each = 1000;
  size_t const batches = scaled(100);
  std::vector<std::array<void*, each>> blocks(8);
  heap.deallocate(heap.allocate(8), 8);
  for (size_t batch = 0; batch < batches; ++batch) {
    in_threads(8, [&](size_t thread) {
      for (size_t i = 0; i < each; ++i) blocks[thread][i] = heap.allocate(100 + i % 50);
    });
    for (auto const& row : blocks)
      for (size_t i = 0; i < each; ++i) heap.deallocate(row[i], 100 + i % 50);
  }
  CHECK(heap.stats().live_blocks == 0);
  (void)heap.collect();
  (void)heap.trim();
  CHECK(heap.real_size() <= 2 * chunk);  // a chunk for each live thread that is inside, and one
  CHECK(source.live() == heap.real_size());
  heap.verify();
}

TEST_CASE("synchronized_heap: any live thread's collect() finds the memory of ended threads") {
  zmm::synchronized_heap heap;
  std::vector<void*> blocks;
  std::mutex lock;
  in_threads(6, [&](size_t) {
    for (int i = 0; i < 100; ++i) {
      void* const p = heap.allocate(20'000);
      std::lock_guard<std::mutex> const guard(lock);
      blocks.push_back(p);
    }
  });
  size_t const full = heap.real_size();
  for (void* p : blocks) heap.deallocate(p, 20'000);
  in_a_thread([&] {
    (void)heap.collect();
    (void)heap.trim();
  });
  CHECK(heap.real_size() <= 2 * chunk);
  CHECK(heap.real_size() < full);
  CHECK(heap.stats().live_blocks == 0);
}

// One thread allocates, another frees: `count` blocks of `size()` bytes each through a ring, which is full once at first: more
// never lives at once. Returns real_size after the first tenth, and at the end.
struct growth {
  size_t early, late;
};
template <class Size> growth produce_and_consume(zmm::synchronized_heap& heap, size_t count, Size size) {
  constexpr size_t places = sizeof(void*) < 8 ? 256 : 1024;  // of 3 MiB at most: there is address space for 4 GiB on 32 bits
  std::array<std::atomic<marked_block*>, places> ring{};
  std::atomic<size_t> faults{0};
  std::atomic<bool> full{false};
  growth told{0, 0};
  in_threads(2, [&](size_t thread) {
    random_source random{1};
    for (size_t i = 0; i < count; ++i) {
      auto& place = ring[i % places];
      if (thread == 0) {
        size_t const bytes = size(random) + sizeof(marked_block);
        void* const p = heap.allocate(bytes, 8);
        auto* const b = static_cast<marked_block*>(p);
        *b = marked(static_cast<unsigned char*>(p) + sizeof(marked_block), bytes - sizeof(marked_block), 8, i);
        while (place.load(std::memory_order_acquire) != nullptr) std::this_thread::yield();
        place.store(b, std::memory_order_release);
        if (i + 1 == std::min(places, count)) full = true;
        if (i == count / 10) told.early = heap.real_size();
      } else {
        while (!full) std::this_thread::yield();
        marked_block* b = nullptr;
        while ((b = place.load(std::memory_order_acquire)) == nullptr) std::this_thread::yield();
        place.store(nullptr, std::memory_order_release);
        if (!intact(*b)) ++faults;
        heap.deallocate(b, b->bytes + sizeof(marked_block), 8);
      }
    }
  });
  told.late = heap.real_size();
  CHECK(faults == 0);
  CHECK(heap.stats().live_blocks == 0);
  heap.verify();
  return told;
}

TEST_CASE("synchronized_heap: where one thread only allocates and another only frees, memory does not grow") {
  SUBCASE("one size") {
    zmm::synchronized_heap heap;
    growth const told = produce_and_consume(heap, scaled(400'000), [](random_source&) { return size_t{64}; });
    CHECK(told.late <= told.early + chunk / 2);
  }
  SUBCASE("small sizes") {
    zmm::synchronized_heap heap;
    growth const told = produce_and_consume(heap, scaled(400'000), [](random_source& r) { return r.between(8, 1000); });
    CHECK(told.late <= told.early + chunk);
  }
  SUBCASE("runs of pages") {
    zmm::synchronized_heap heap;
    growth const told =
        produce_and_consume(heap, scaled(60'000), [](random_source& r) { return r.between(3000, 30'000); });
    CHECK(told.late <=
          told.early + 16 * chunk);  // of 500 that go through it: how full the ring is is up to the scheduler
  }
  SUBCASE("huge blocks") {
    zmm::synchronized_heap heap;
    produce_and_consume(heap, scaled(4000), [](random_source& r) { return chunk + r.below(chunk); });
    (void)heap.trim();
    CHECK(heap.real_size() <= 4 * chunk);
  }
}

TEST_CASE("synchronized_heap: producers that come and go, and one consumer, do not make it grow") {
  zmm::synchronized_heap heap;
  size_t early = 0;
  size_t const rounds = scaled(200);
  for (size_t round = 0; round < rounds; ++round) {
    std::vector<void*> blocks;
    in_a_thread([&] {
      for (int i = 0; i < 2000; ++i) blocks.push_back(heap.allocate(static_cast<size_t>(i) % 900 + 1, 8));
    });
    for (size_t i = 0; i < blocks.size(); ++i) heap.deallocate(blocks[i], i % 900 + 1, 8);
    if (round == rounds / 10) early = heap.real_size();
  }
  CHECK(heap.real_size() <= early + chunk);
  CHECK(heap.stats().live_blocks == 0);
}

}  // namespace
