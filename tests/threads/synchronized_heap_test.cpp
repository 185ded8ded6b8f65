// synchronized_heap: any thread allocates, any thread frees, in every size kind and every way.
#include <zmm/zmm.hpp>

#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/scale.hpp"
#include "../support/threads.hpp"
#include <atomic>
#include <doctest/doctest.h>
#include <type_traits>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;

static_assert(!std::is_copy_constructible_v<zmm::synchronized_heap> &&
              !std::is_move_constructible_v<zmm::synchronized_heap>);
static_assert(std::is_nothrow_constructible_v<zmm::synchronized_heap>);
static_assert(std::is_same_v<zmm::synchronized_heap, zmm::basic_synchronized_heap<>>);
static_assert(std::is_same_v<zmm::synchronized_resource, zmm::resource<zmm::synchronized_heap>>);

template <class Heap> void nothing_is_left(Heap& heap) {
  heap.verify();
  zmm::statistics const s = heap.stats();
  CHECK(s.live_blocks == 0);
  CHECK(s.size == 0);
  CHECK(s.huge_blocks == 0);
}

TEST_CASE("synchronized_heap: unused it owns nothing, and gives back all it took") {
  counting_storage source;
  { zmm::synchronized_heap heap{source}; }
  CHECK(source.allocations == 0);
  {
    checking_storage checked{source};
    zmm::synchronized_heap heap{checked};
    in_threads(3, [&](size_t) {
      for (size_t bytes : {size_t{1}, size_t{100}, size_t{5000}, 3 * chunk}) (void)heap.allocate(bytes);
    });
    CHECK(source.live() == heap.real_size());
    CHECK(heap.real_size() >= chunk + 3 * 3 * chunk);
  }
  CHECK(source.live() == 0);
}

TEST_CASE("synchronized_heap: one thread alone finds the members of a heap") {
  zmm::synchronized_heap heap;
  CHECK_THROWS_AS((void)heap.allocate(8, 3), std::bad_alloc);
  CHECK(heap.try_allocate(8, 3) == nullptr);
  CHECK(heap.try_allocate(~size_t{0}) == nullptr);
  heap.deallocate(nullptr);
  heap.deallocate(nullptr, 8);
  CHECK(heap.usable_size(nullptr) == 0);
  void* p = heap.allocate(0);
  void* q = heap.allocate(0);
  CHECK(p != q);
  CHECK(heap.owns(p));
  int on_stack = 0;
  CHECK_FALSE(heap.owns(&on_stack));
  size_t const smallest = alignof(std::max_align_t);
  CHECK(heap.usable_size(p) == smallest);
  p = heap.reallocate(p, 5000);
  CHECK(heap.usable_size(p) == 5120);
  CHECK(heap.stats().live_blocks == 2);
  CHECK(heap.stats().size == 5120 + smallest);
  heap.deallocate(p);
  heap.deallocate(q, 0);
  nothing_is_left(heap);
}

// How a block may be freed. Each is done by a thread that did not allocate it.
enum class freeing { sized, by_address, reallocated, resized, nonnull, ways };

// Checks and frees the block; the contents go along where it is reallocated.
template <class Heap> bool check_and_free(Heap& heap, marked_block block, freeing how) {
  bool fine = intact(block) && heap.owns(block.p) && heap.usable_size(block.p) >= block.bytes;
  switch (how) {
  case freeing::by_address: heap.deallocate(block.p); break;
  case freeing::reallocated: {
    size_t const bytes = block.bytes * 2 + 1, kept = block.bytes;
    block.p = heap.reallocate(block.p, bytes, std::align_val_t{block.alignment});
    fine = fine && intact(block, kept);
    heap.deallocate(block.p, bytes, block.alignment);
    break;
  }
  case freeing::resized: {
    size_t const least = block.bytes + block.bytes / 3, old = block.bytes;
    size_t const got = heap.resize_in_place(block.p, block.bytes, least, 2 * least);
    fine = fine && intact(block, old) && (got == 0 || got >= least);
    heap.deallocate(block.p, got != 0 ? got : old, block.alignment);
    break;
  }
  case freeing::nonnull: heap.deallocate_nonnull(block.p, block.bytes, block.alignment); break;
  default: heap.deallocate(block.p, block.bytes, block.alignment);
  }
  return fine;
}

// Sizes of every kind: all bins and their edges, runs, the largest run, huge blocks.
template <class Heap> std::vector<size_t> sizes_of_every_kind() {
  std::vector<size_t> sizes{0, 1, 7};
  for (size_t const slot : bin_sizes) sizes.insert(sizes.end(), {slot - 1, slot, slot + 1});
  for (size_t const pages : {1u, 2u, 3u, 9u, 40u})
    sizes.insert(sizes.end(), {pages * page_bytes<Heap>, pages * page_bytes<Heap> + 1});
  size_t const last_run = chunk_bytes<Heap> - page_bytes<Heap>;
  sizes.insert(sizes.end(), {last_run / 2, last_run, last_run + 1, 2 * chunk_bytes<Heap> + 5});
  return sizes;
}

// One thread allocates a block of every size at every alignment, another frees them in each of the ways, in turn with a
// third that does both.
template <class Heap> void every_kind_crosses() {
  checking_storage storage;
  Heap heap{storage};
  std::vector<size_t> const sizes = sizes_of_every_kind<Heap>();
  std::atomic<size_t> faults{0};
  for (size_t alignment = 1; alignment <= 4 * chunk_bytes<Heap>; alignment *= alignment < 512 ? 2 : 8) {
    std::vector<marked_block> blocks;
    in_a_thread([&] {
      for (size_t const bytes : sizes) {
        if (alignment > 4096 && bytes > 300 && bytes < chunk_bytes<Heap> / 2)
          continue;  // many huge mappings say no more
        size_t const copies = bytes < 1000 && alignment <= 64 ? static_cast<size_t>(freeing::ways) * 4
                                                              : static_cast<size_t>(freeing::ways);
        for (size_t i = 0; i < copies; ++i)
          blocks.push_back(marked(heap.allocate(bytes, alignment), bytes, alignment, blocks.size()));
      }
    });
    CHECK(heap.stats().live_blocks == blocks.size());
    in_threads(2, [&](size_t thread) {
      for (size_t i = thread; i < blocks.size(); i += 2)
        if (!check_and_free(heap, blocks[i], static_cast<freeing>(i / 2 % static_cast<size_t>(freeing::ways))))
          ++faults;
    });
    nothing_is_left(heap);
  }
  CHECK(faults == 0);
  (void)heap.collect();
  (void)heap.trim();
  CHECK(heap.real_size() <= 2 * chunk_bytes<Heap>);
}

TEST_CASE("synchronized_heap: blocks of every kind and alignment are freed by other threads, in every way") {
  every_kind_crosses<zmm::synchronized_heap>();
}
TEST_CASE("synchronized_heap with 256 KiB chunks: blocks of every kind and alignment are freed by other threads, in "
          "every way") {
  every_kind_crosses<zmm::basic_synchronized_heap<small_chunks>>();
}
TEST_CASE("synchronized_heap with 16-byte slots: blocks of every kind and alignment are freed by other threads, in "
          "every way") {
  every_kind_crosses<zmm::basic_synchronized_heap<wide_slots>>();
}

TEST_CASE("synchronized_heap: a live thread gets blocks back that others freed") {
  zmm::synchronized_heap heap;
  constexpr size_t count = 20'000;
  std::vector<void*> blocks(count);
  size_t most = 0;
  for (int round = 0; round < 20; ++round) {
    for (void*& p : blocks) p = heap.allocate(64);
    in_threads(2, [&](size_t thread) {
      for (size_t i = thread; i < count; i += 2) heap.deallocate(blocks[i], 64);
    });
    if (round == 4) most = heap.real_size();
    if (round > 4) CHECK(heap.real_size() <= most + 65536);  // a third thread's records
  }
  nothing_is_left(heap);
}

TEST_CASE("synchronized_heap: a foreign block grows in place or moves, and keeps its contents") {
  zmm::synchronized_heap heap;
  marked_block block = marked(heap.allocate(100), 100, 16, 1);
  for (size_t bytes : {size_t{300}, size_t{3000}, size_t{5000}, size_t{60'000}, size_t{1'500'000}, 3 * chunk, 9 * chunk,
                       2 * chunk, size_t{4000}, size_t{8}}) {
    in_a_thread([&] {
      size_t const kept = block.bytes < bytes ? block.bytes : bytes;
      void* const p = heap.reallocate(block.p, bytes);
      marked_block moved = block;
      moved.p = p;
      CHECK(intact(moved, kept));
      CHECK(heap.usable_size(p) >= bytes);
      block = marked(p, bytes, 16, bytes);
    });
  }
  CHECK(heap.stats().live_blocks == 1);
  in_a_thread([&] { heap.deallocate(block.p); });
  nothing_is_left(heap);
}

TEST_CASE("synchronized_heap: figures can be asked for and caches dropped while others work") {
  zmm::synchronized_heap heap;
  std::atomic<bool> over{false};
  std::atomic<size_t> wrong{0};
  std::thread watcher([&] {
    while (!over) {
      zmm::statistics const s = heap.stats();
      if (s.real_size > heap.real_peak() || s.size > s.peak) ++wrong;
      (void)heap.collect();
      (void)heap.trim();
      (void)heap.remaining();
      std::this_thread::yield();
    }
  });
  struct slot {
    std::mutex lock;
    std::vector<marked_block> blocks;
  };
  slot hand_over;
  in_threads(3, [&](size_t thread) {
    random_source random{thread};
    for (size_t i = 0; i < scaled(6000); ++i) {
      size_t const bytes = random_size(random, chunk, 4096) % 200'000;
      marked_block const block = marked(heap.allocate(bytes, 8), bytes, 8, i);
      marked_block other;
      {
        std::lock_guard<std::mutex> const lock(hand_over.lock);
        hand_over.blocks.push_back(block);
        if (hand_over.blocks.size() > 300) {
          size_t const which = random.below(300);
          other = hand_over.blocks[which];
          hand_over.blocks[which] = hand_over.blocks.back();
          hand_over.blocks.pop_back();
        }
      }
      if (other.p != nullptr && !check_and_free(heap, other, static_cast<freeing>(random.below(5)))) ++wrong;
    }
  });
  over = true;
  watcher.join();
  CHECK(wrong == 0);
  CHECK(heap.stats().live_blocks == hand_over.blocks.size());
  for (marked_block const& b : hand_over.blocks) CHECK(check_and_free(heap, b, freeing::sized));
  nothing_is_left(heap);
}

TEST_CASE("synchronized_heap: released while the others rest, it is empty, and its threads go on with it") {
  checking_storage storage;
  {
    zmm::synchronized_heap heap{storage};
    std::atomic<size_t> faults{0};
    meeting all(3);
    auto const work = [&](size_t thread, size_t round) {
      random_source random{thread * 100 + round};
      std::vector<marked_block> blocks;
      for (size_t i = 0; i < 3000; ++i) {
        size_t const bytes = random_size(random, chunk, 4096) % 500'000;
        blocks.push_back(marked(heap.allocate(bytes, 16), bytes, 16, random.next()));
        if (!random.one_in(3)) continue;
        size_t const which = random.below(blocks.size());
        if (!check_and_free(heap, blocks[which], freeing::by_address)) ++faults;
        blocks[which] = blocks.back();
        blocks.pop_back();
      }
      for (marked_block const& b : blocks)
        if (!intact(b)) ++faults;
    };
    auto const rounds = scaled(6);
    auto const thread_work = [&](size_t thread) {
      for (size_t round = 0; round < rounds; ++round) {
        work(thread, round);
        all.wait();  // nobody is inside; whose blocks are whose no longer matters
        if (thread == round % 3) {
          heap.release();
          nothing_is_left(heap);
        }
        all.wait();
      }
    };
    in_threads(3, thread_work);
    CHECK(faults == 0);
  }
  CHECK(storage.empty());
}

TEST_CASE("synchronized_heap: released with blocks on their way home, none of them comes back") {
  zmm::synchronized_heap heap;
  std::vector<void*> blocks(5000);
  std::atomic<int> phase{0};
  std::thread other([&] {
    for (void*& p : blocks) p = heap.allocate(48);
    phase = 1;
    while (phase != 2) std::this_thread::yield();
    for (int i = 0; i < 5000; ++i) *static_cast<int*>(heap.allocate(48)) = i;
  });
  while (phase != 1) std::this_thread::yield();
  for (void* p : blocks) heap.deallocate(p, 48);  // some are in the list of this thread, some pushed home
  heap.release();
  nothing_is_left(heap);
  for (int i = 0; i < 5000; ++i) *static_cast<int*>(heap.allocate(48)) = i;
  phase = 2;
  other.join();
  heap.verify();
  CHECK(heap.stats().live_blocks == 10'000);
}
}  // namespace
