// The limit of a synchronized_heap is exact while several threads press against it, and so are its figures; storage that
// refuses under threads leaves the heap as it was.
#include <zmm/zmm.hpp>

#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/failing_storage.hpp"
#include "../support/locked_storage.hpp"
#include "../support/scale.hpp"
#include "../support/threads.hpp"
#include <atomic>
#include <doctest/doctest.h>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;
constexpr size_t no_limit = ~size_t{0};

struct result {
  std::atomic<size_t> refused{0}, served{0}, faults{0};
};

// What blocks that reallocate() makes smaller may take past a limit: a chunk for smaller slots in each of four threads. What they leave
// of it serves other threads, too, so the next one may need another: few in a row.
constexpr size_t smaller = 12 * chunk;

// Allocates, grows, frees in every size kind until `steps` are done; what is refused is counted. With `past` 0, no block is made smaller.
void press(zmm::synchronized_heap& heap, std::uint64_t seed, size_t steps, result& told, size_t past = smaller) {
  random_source random{seed};
  std::vector<marked_block> blocks;
  for (size_t i = 0; i < steps; ++i) {
    size_t const kind = random.below(10);
    if (kind < 5 || blocks.empty()) {
      size_t const bytes = random_size(random, chunk, 4096);
      void* p = nullptr;
      if (random.one_in(2)) {
        p = heap.try_allocate(bytes, 8);
      } else {
        try {
          p = heap.allocate(bytes, 8);
        } catch (zmm::memory_limit_exceeded const& e) {
          if (e.limit() != heap.limit() || e.used() > e.limit() + past || e.requested() != bytes) ++told.faults;
        } catch (zmm::out_of_memory const&) {}
      }
      ++(p != nullptr ? told.served : told.refused);
      if (p != nullptr) blocks.push_back(marked(p, bytes, 8, random.next()));
      continue;
    }
    size_t const which = random.below(blocks.size());
    marked_block& b = blocks[which];
    if (!intact(b)) ++told.faults;
    if (kind < 7) {
      try {
        size_t const drawn = random_size(random, chunk, 4096), bytes = past == 0 && drawn < b.bytes ? b.bytes : drawn;
        void* const p = heap.reallocate(b.p, bytes, std::align_val_t{8});
        b = marked(p, bytes, 8, random.next());
      } catch (std::bad_alloc const&) {
        ++told.refused;
        if (!intact(b)) ++told.faults;
      }
    } else if (kind == 7) {
      size_t const wanted = b.bytes + random.below(2 * chunk);
      if (size_t const got = heap.resize_in_place(b.p, b.bytes, wanted, 2 * wanted))
        b = marked(b.p, got, 8, random.next());
    } else {
      heap.deallocate(b.p, b.bytes, 8);
      b = blocks.back();
      blocks.pop_back();
    }
  }
  for (marked_block const& b : blocks) {
    if (!intact(b)) ++told.faults;
    heap.deallocate(b.p);
  }
}

void is_empty(zmm::synchronized_heap& heap) {
  heap.verify();
  CHECK(heap.stats().live_blocks == 0);
  CHECK(heap.stats().size == 0);
}

TEST_CASE("synchronized_heap: the bytes taken from storage never pass the limit, whoever takes them, but where blocks "
          "are made smaller") {
  for (size_t const past : {size_t{0}, smaller}) {
    CAPTURE(past);
    size_t refused = 0;
    for (size_t const limit : {3 * chunk, 8 * chunk + 4096, 25 * chunk}) {
      counting_storage source;
      zmm::synchronized_heap heap{source};
      REQUIRE(heap.set_limit(limit));
      result told;
      in_threads(4, [&](size_t thread) { press(heap, thread + limit, scaled(2000), told, past); });
      CHECK(source.peak() <= limit + past);
      CHECK(heap.real_peak() <= source.peak());  // less if a block went back at once, because there was no room to note it
      CHECK(heap.real_size() == source.live());
      CHECK(heap.remaining() == (heap.real_size() < limit ? limit - heap.real_size() : 0));
      refused += told.refused;
      CHECK(told.served > 0);
      CHECK(told.faults == 0);
      is_empty(heap);
    }
    CHECK(refused > 0);
  }
}

TEST_CASE("synchronized_heap: a limit that moves while threads allocate holds from the moment it was accepted") {
  counting_storage source;
  zmm::synchronized_heap heap{source};
  result told;
  std::atomic<bool> over{false};
  std::atomic<size_t> accepted{0}, passed{0};
  std::thread mover([&] {
    random_source random{1};
    while (!over) {
      size_t const limit = random.between(4, 40) * chunk;
      if (heap.set_limit(limit)) {
        ++accepted;
        for (int i = 0; i < 20; ++i)
          if (heap.real_size() > limit + smaller) ++passed;
      }
      std::this_thread::yield();
    }
    (void)heap.set_limit(no_limit);
  });
  in_threads(3, [&](size_t thread) { press(heap, thread, scaled(3000), told); });
  over = true;
  mover.join();
  CHECK(accepted > 0);
  CHECK(passed == 0);  // told.faults says nothing here: an exception names the limit it met, not the one there is later
  CHECK(heap.limit() == no_limit);
  CHECK(heap.real_size() == source.live());
  is_empty(heap);
}

// Memory that the hook can free: blocks that several threads put there, behind a lock.
struct spare_blocks {
  zmm::synchronized_heap* heap;
  std::mutex lock;
  std::vector<void*> blocks;
  std::atomic<size_t> calls{0}, freed{0}, nested{0};

  static bool free_one(void* user, size_t needed) noexcept {
    static thread_local bool inside = false;
    spare_blocks& self = *static_cast<spare_blocks*>(user);
    if (inside || needed == 0) ++self.nested;
    inside = true;
    ++self.calls;
    void* p = nullptr;
    {
      std::lock_guard<std::mutex> const guard(self.lock);
      if (!self.blocks.empty()) {
        p = self.blocks.back();
        self.blocks.pop_back();
      }
    }
    if (p != nullptr) ++self.freed;
    self.heap->deallocate(p);
    (void)self.heap->try_allocate(10 * chunk);  // fails, and asks no second time
    inside = false;
    return p != nullptr;
  }
};

TEST_CASE("synchronized_heap: the hook of the thread that meets the limit frees blocks of others, and the allocation "
          "succeeds") {
  counting_storage source;
  zmm::synchronized_heap heap{source};
  spare_blocks spare{&heap, {}, {}, {}, {}, {}};
  constexpr size_t count = 20;
  in_a_thread([&] {
    for (size_t i = 0; i < count; ++i) spare.blocks.push_back(heap.allocate(2 * chunk));
  });
  in_threads(2, [&](size_t) { heap.deallocate(heap.allocate(1)); });
  in_a_thread([&] { (void)heap.allocate(1); });
  size_t const limit = heap.real_size() + 2 * chunk + 65536;
  REQUIRE(heap.set_limit(limit));
  heap.on_limit(&spare_blocks::free_one, &spare);
  std::atomic<size_t> served{0};
  in_threads(2, [&](size_t) {
    for (size_t i = 0; i < count / 2 - 2; ++i)
      if (heap.try_allocate(2 * chunk) != nullptr) ++served;
  });
  heap.on_limit(nullptr, nullptr);
  CHECK(served >= count / 2);
  CHECK(spare.freed > 0);
  CHECK(spare.calls >= spare.freed);
  CHECK(spare.nested == 0);
  CHECK(source.peak() <= limit);
  heap.verify();
}

TEST_CASE("synchronized_heap: a lift is for the thread that made it") {
  zmm::synchronized_heap heap;
  (void)heap.allocate(1);
  in_a_thread([&] { (void)heap.allocate(1); });
  REQUIRE(heap.set_limit(heap.real_size()));
  CHECK(heap.try_allocate(2 * chunk) == nullptr);
  void *lifted = nullptr, *other = nullptr, *after = nullptr;
  {
    zmm::limit_lift const lift{heap};
    zmm::limit_lift const again{heap};
    in_a_thread([&] { other = heap.try_allocate(2 * chunk); });
    lifted = heap.try_allocate(2 * chunk);
  }
  after = heap.try_allocate(2 * chunk);
  CHECK(lifted != nullptr);
  CHECK(other == nullptr);
  CHECK(after == nullptr);
  in_a_thread([&] { heap.deallocate(lifted, 2 * chunk); });
  (void)heap.trim();
  CHECK(heap.real_size() <= heap.limit());
  heap.verify();
}

TEST_CASE("synchronized_heap: a lift of one heap does not lift another, and ends with its scope in every thread") {
  zmm::synchronized_heap one, two;
  (void)one.allocate(1);
  (void)two.allocate(1);
  std::atomic<size_t> wrong{0};
  REQUIRE(one.set_limit(one.real_size() + 64 * chunk));
  REQUIRE(two.set_limit(two.real_size()));
  in_threads(4, [&](size_t) {
    for (int i = 0; i < 200; ++i) {
      {
        zmm::limit_lift const lift{one};
        void* const p = one.try_allocate(3 * chunk);
        if (p == nullptr || two.try_allocate(3 * chunk) != nullptr) ++wrong;
        one.deallocate(p, 3 * chunk);
      }
      if (one.try_allocate(100 * chunk) != nullptr) ++wrong;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("synchronized_heap: storage that refuses under threads fails calls and nothing else") {
  size_t refused = 0;
  for (size_t const one_in : {2u, 5u, 30u}) {
    checking_storage checked;
    failing_storage failing{checked};
    locked_storage locked{failing};
    counting_storage source{locked};
    {
      zmm::synchronized_heap heap{source};
      failing.fail_one_in(one_in, one_in);
      result told;
      in_threads(4, [&](size_t thread) { press(heap, thread, scaled(2500), told); });
      in_threads(4, [&](size_t thread) { press(heap, thread + 10, scaled(500), told); });
      CHECK(told.faults == 0);
      refused += told.refused;
      CHECK(heap.real_size() == source.live());
      is_empty(heap);
      failing.disarm();
      result after;
      in_threads(2, [&](size_t thread) { press(heap, thread, scaled(500), after); });
      CHECK(after.refused == 0);
      is_empty(heap);
    }
    CHECK(source.live() == 0);
  }
  CHECK(refused > 0);
}

TEST_CASE("synchronized_heap: storage that refuses everything, then nothing, to threads that live on") {
  failing_storage failing;
  locked_storage locked{failing};
  failing.fail_from_call(1);
  zmm::synchronized_heap heap{locked};
  std::atomic<size_t> wrong{0};
  meeting all(3);
  in_threads(3, [&](size_t thread) {
    for (size_t const bytes : {size_t{1}, size_t{5000}, 3 * chunk}) {
      if (heap.try_allocate(bytes) != nullptr) ++wrong;
      try {
        (void)heap.allocate(bytes);
        ++wrong;
      } catch (std::bad_alloc const&) {}
    }
    all.wait();
    if (thread == 0) {
      if (heap.real_size() != 0) ++wrong;
      failing.disarm();
    }
    all.wait();
    for (size_t const bytes : {size_t{1}, size_t{5000}, 3 * chunk}) heap.deallocate(heap.allocate(bytes), bytes);
  });
  CHECK(wrong == 0);
  is_empty(heap);
}
}  // namespace
