// Instances of synchronized_heap come and go while threads live on; threads end before instances and after them.
#include <zmm/zmm.hpp>

#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/scale.hpp"
#include "../support/threads.hpp"
#include <array>
#include <atomic>
#include <doctest/doctest.h>
#include <memory>
#include <new>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;

// Hands out a few blocks again and again, so that a million instances cost no system calls.
class warm_storage final : public zmm::storage {
public:
  void* allocate(size_t bytes, size_t alignment, size_t reserve) override {
    std::lock_guard<std::mutex> const lock(mutex_);
    for (block& kept : kept_)
      if (kept.p != nullptr && kept.bytes == bytes && reserve == bytes &&
          reinterpret_cast<std::uintptr_t>(kept.p) % alignment == 0)
        return std::exchange(kept.p, nullptr);
    return zmm::os_storage().allocate(bytes, alignment, reserve);
  }
  void deallocate(void* p, size_t bytes, size_t reserve) noexcept override {
    std::lock_guard<std::mutex> const lock(mutex_);
    if (reserve == bytes)
      for (block& kept : kept_)
        if (kept.p == nullptr) {
          kept = {p, bytes};
          return;
        }
    zmm::os_storage().deallocate(p, bytes, reserve);
  }
  ~warm_storage() {
    for (block const& kept : kept_)
      if (kept.p != nullptr) zmm::os_storage().deallocate(kept.p, kept.bytes, kept.bytes);
  }

private:
  struct block {
    void* p = nullptr;
    size_t bytes = 0;
  };
  std::mutex mutex_;
  std::array<block, 16> kept_{};
};

// A place where one instance after the other lives.
class place {
public:
  zmm::synchronized_heap& construct(zmm::storage& source) {
    return *::new (static_cast<void*>(bytes_)) zmm::synchronized_heap(source);
  }
  zmm::synchronized_heap& heap() { return *std::launder(reinterpret_cast<zmm::synchronized_heap*>(bytes_)); }
  void destroy() { heap().~basic_synchronized_heap(); }

private:
  alignas(zmm::synchronized_heap) unsigned char bytes_[sizeof(zmm::synchronized_heap)];
};

TEST_CASE("synchronized_heap: a million instances at one address, while other threads use another") {
  warm_storage warm;
  counting_storage source{warm};
  place where;
  zmm::synchronized_heap lasting;
  std::atomic<bool> over{false};
  std::atomic<size_t> wrong{0};
  std::vector<std::thread> bystanders;
  for (int t = 0; t < 2; ++t)
    bystanders.emplace_back([&] {
      while (!over) {
        int* const p = static_cast<int*>(lasting.allocate(sizeof(int), alignof(int)));
        *p = 1;
        lasting.deallocate(p, sizeof(int), alignof(int));
        std::this_thread::yield();
      }
    });
  size_t const instances = scaled(1'000'000);
  for (size_t i = 0; i < instances; ++i) {
    zmm::synchronized_heap& heap = where.construct(source);
    if (heap.real_size() != 0) ++wrong;
    void* const p = heap.allocate(40, 8);
    if (heap.real_size() != source.live() || !heap.owns(p)) ++wrong;
    if (i % 2 == 0) heap.deallocate(p, 40, 8);
    where.destroy();
    if (source.live() != 0) ++wrong;
  }
  over = true;
  for (std::thread& t : bystanders) t.join();
  CHECK(wrong == 0);
  CHECK(source.allocations >= instances);
}

TEST_CASE("synchronized_heap: each of many instances at one address is used by threads that knew those before") {
  warm_storage warm;
  counting_storage source{warm};
  place where;
  size_t const instances = scaled(3000);
  std::atomic<size_t> wrong{0};
  meeting all(3);
  std::array<void*, 3> blocks{};
  in_threads(3, [&](size_t thread) {
    for (size_t i = 0; i < instances; ++i) {
      if (thread == i % 3) (void)where.construct(source);
      all.wait();
      zmm::synchronized_heap& heap = where.heap();
      blocks[thread] = heap.allocate(56, 8);
      *static_cast<size_t*>(blocks[thread]) = i;
      all.wait();
      void* const other = blocks[(thread + 1) % 3];
      if (!heap.owns(other) || *static_cast<size_t*>(other) != i) ++wrong;
      heap.deallocate(other, 56, 8);
      all.wait();
      if (thread == (i + 1) % 3) {
        if (i % 64 == 0) heap.verify();
        where.destroy();
        if (source.live() != 0) ++wrong;
      }
      all.wait();
    }
  });
  CHECK(wrong == 0);
}

template <size_t Count> void in_turn() {
  std::array<counting_storage, Count> sources;
  std::array<std::unique_ptr<zmm::synchronized_heap>, Count> heaps;
  for (size_t i = 0; i < Count; ++i) heaps[i] = std::make_unique<zmm::synchronized_heap>(sources[i]);
  std::atomic<size_t> wrong{0};
  std::array<size_t, Count> warm{};
  meeting all(3);
  in_threads(3, [&](size_t thread) {
    std::array<std::vector<marked_block>, Count> blocks;
    random_source random{thread};
    for (size_t round = 0; round < 3; ++round) {
      for (size_t i = 0; i < scaled(20'000); ++i) {
        size_t const which = i % Count;
        auto& mine = blocks[which];
        if (mine.size() < 50) {
          size_t const bytes = random.between(1, 500);
          mine.push_back(marked(heaps[which]->allocate(bytes, 8), bytes, 8, random.next()));
        } else {
          marked_block const b = mine.back();
          mine.pop_back();
          if (!intact(b) || !heaps[which]->owns(b.p) || heaps[(which + 1) % Count]->owns(b.p)) ++wrong;
          heaps[which]->deallocate(b.p, b.bytes, 8);
        }
      }
      all.wait();
      if (thread == 0)
        for (size_t i = 0; i < Count; ++i) {
          if (round == 0) warm[i] = sources[i].takings();
          if (sources[i].takings() > warm[i] + 3) ++wrong;  // each thread has its heap in each instance, and keeps it
        }
      all.wait();
    }
    for (size_t i = 0; i < Count; ++i)
      for (marked_block const& b : blocks[i]) {
        if (!intact(b)) ++wrong;
        heaps[i]->deallocate(b.p, b.bytes, 8);
      }
  });
  CHECK(wrong == 0);
  for (auto& heap : heaps) {
    CHECK(heap->stats().live_blocks == 0);
    heap->verify();
  }
}
TEST_CASE("synchronized_heap: three instances used in turn by three threads") { in_turn<3>(); }
TEST_CASE("synchronized_heap: twelve instances used in turn by three threads") { in_turn<12>(); }

TEST_CASE("synchronized_heap: forty instances used in turn by three threads") { in_turn<40>(); }

TEST_CASE("synchronized_heap: a hundred instances alive at once, each known by its blocks") {
  std::vector<std::unique_ptr<zmm::basic_synchronized_heap<small_chunks>>> heaps;
  for (int i = 0; i < 100; ++i) heaps.push_back(std::make_unique<zmm::basic_synchronized_heap<small_chunks>>());
  std::atomic<size_t> wrong{0};
  in_threads(2, [&](size_t) {
    std::vector<void*> blocks;
    for (auto& heap : heaps) blocks.push_back(heap->allocate(100));
    for (size_t i = 0; i < heaps.size(); ++i)
      for (size_t k = 0; k < heaps.size(); k += 7)
        if (heaps[k]->owns(blocks[i]) != (i == k)) ++wrong;
    for (size_t i = 0; i < heaps.size(); ++i) heaps[i]->deallocate(blocks[i], 100);
  });
  CHECK(wrong == 0);
  for (auto& heap : heaps) CHECK(heap->stats().live_blocks == 0);
}

TEST_CASE("synchronized_heap: threads end before and after the instances they used") {
  counting_storage source;
  for (size_t round = 0; round < scaled(50); ++round) {
    auto heap = std::make_unique<zmm::synchronized_heap>(source);
    void* left = nullptr;
    in_a_thread([&] { left = heap->allocate(200); });  // ends before
    std::atomic<int> phase{0};
    std::thread longer([&] {
      void* const p = heap->allocate(300);
      heap->deallocate(left, 200);
      heap->deallocate(p, 300);
      (void)heap->allocate(3 * chunk);
      phase = 1;
      while (phase != 2) std::this_thread::yield();
    });
    while (phase != 1) std::this_thread::yield();
    heap.reset();
    REQUIRE(source.live() == 0);
    phase = 2;
    longer.join();  // ends after: what it held of the instance is gone
  }
}

TEST_CASE("synchronized_heap: instances end while threads that used them work in others") {
  counting_storage source;
  for (size_t round = 0; round < scaled(100); ++round) {
    auto gone = std::make_unique<zmm::synchronized_heap>(source);
    std::array<zmm::synchronized_heap, 24> others;  // more than have an entry of their own in a thread's record
    std::atomic<int> done{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
      threads.emplace_back([&] {
        gone->deallocate(gone->allocate(64), 64);
        done.fetch_add(1, std::memory_order_release);
        for (zmm::synchronized_heap& heap : others) heap.deallocate(heap.allocate(64), 64);
        for (zmm::synchronized_heap& heap : others) heap.deallocate(heap.allocate(64), 64);
      });
    while (done.load(std::memory_order_acquire) != 2) std::this_thread::yield();
    gone.reset();
    for (std::thread& t : threads) t.join();
    REQUIRE(source.live() == 0);
    for (zmm::synchronized_heap& heap : others) CHECK(heap.stats().live_blocks == 0);
  }
}

TEST_CASE("synchronized_heap: an instance ends while threads that used it are ending") {
  counting_storage source;
  for (size_t round = 0; round < scaled(300); ++round) {
    auto heap = std::make_unique<zmm::synchronized_heap>(source);
    std::atomic<int> done{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&] {
        heap->deallocate(heap->allocate(64), 64);
        done.fetch_add(1, std::memory_order_release);
      });
    while (done.load(std::memory_order_acquire) != 3) std::this_thread::yield();
    heap.reset();  // the threads may be in their exits right now
    for (std::thread& t : threads) t.join();
    REQUIRE(source.live() == 0);
  }
}
}  // namespace
