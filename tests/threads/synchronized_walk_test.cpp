// A walk of several threads through every member of one synchronized_heap. Blocks lie in slots that all threads share; what
// a thread finds in a slot, some other thread put there as a rule. Contents are checked at every hand.
#include <zmm/zmm.hpp>

#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/failing_storage.hpp"
#include "../support/locked_storage.hpp"
#include "../support/scale.hpp"
#include "../support/threads.hpp"
#include <algorithm>
#include <array>
#include <atomic>
#include <doctest/doctest.h>
#include <string>

namespace {
using namespace zmm_test;
using std::size_t;

template <class Heap> class shared_walk {
public:
  shared_walk(Heap& heap, bool may_fail) : heap_(heap), may_fail_(may_fail) {}

  void run(std::uint64_t seed, size_t steps) {
    random_source random{seed};
    for (size_t i = 0; i < steps; ++i) step(random);
  }
  // Frees everything. Called by one thread.
  void finish() {
    for (slot& s : slots_) {
      check(s.block.p == nullptr || intact(s.block), "contents lost in the end");
      heap_.deallocate(s.block.p);
      s.block = {};
    }
  }
  size_t live() const {
    size_t count = 0;
    for (slot const& s : slots_) count += s.block.p != nullptr;
    return count;
  }
  size_t failures() const { return failures_; }
  size_t largest_shrunk() const { return largest_shrunk_; }  // bytes of the largest block that reallocate() made smaller
  char const* fault() const { return fault_; }

private:
  struct slot {
    std::mutex lock;
    marked_block block;
  };

  marked_block exchange(random_source& random, marked_block block) {
    slot& s = slots_[random.below(slots_.size())];
    std::lock_guard<std::mutex> const guard(s.lock);
    return std::exchange(s.block, block);
  }
  void check(bool holds, char const* what) {
    if (!holds) fault_ = what;
  }

  void step(random_source& random) {
    size_t const kind = random.below(1000);
    if (kind < 5) return whole(random);
    marked_block const mine = kind < 550 ? allocate(random) : marked_block{};
    marked_block const other = exchange(random, mine);
    if (other.p == nullptr) return;
    check(intact(other), "contents lost");
    if (kind % 16 == 0)
      check(heap_.owns(other.p) && heap_.usable_size(other.p) >= other.bytes, "a live block is not known");
    if (kind % 3 != 0) return free(random, other);
    if (marked_block const last = exchange(random, resized(random, other)); last.p != nullptr) {
      check(intact(last), "contents lost");
      free(random, last);
    }
  }

  size_t size(random_source& random) {
    size_t const bytes = random_size(random, chunk_bytes<Heap>, page_bytes<Heap>);
    return bytes > 100'000 && !random.one_in(8) ? bytes % 5000 : bytes;
  }

  marked_block allocate(random_source& random) {
    size_t const bytes = size(random), alignment = random_alignment(random);
    void* p = nullptr;
    if (random.one_in(2)) {
      p = heap_.try_allocate(bytes, alignment);
    } else {
      try {
        p = heap_.allocate(bytes, alignment);
      } catch (std::bad_alloc const&) {}
    }
    if (p == nullptr) failed();
    return marked(p, bytes, alignment, random.next());
  }

  void free(random_source& random, marked_block const& b) {
    if (random.one_in(3)) return heap_.deallocate(b.p);
    heap_.deallocate(b.p, b.bytes, b.alignment);
  }

  marked_block resized(random_source& random, marked_block b) {
    size_t const bytes = random.one_in(2) ? size(random) : random.between(0, 2 * b.bytes + 16);
    if (random.one_in(2)) {
      size_t const got = heap_.resize_in_place(b.p, b.bytes, bytes, bytes + bytes / 2);
      check(got == 0 || got >= bytes, "less granted than asked for");
      if (got == 0) {
        check(intact(b), "a refused resize changed the block");
        return b;
      }
      check(intact(b, std::min(got, b.bytes)), "contents lost in a resize");
      return marked(b.p, random.between(bytes, got), b.alignment, random.next());
    }
    size_t const kept = std::min(bytes, b.bytes);
    if (bytes < b.bytes) {
      for (size_t seen = largest_shrunk_; seen < bytes && !largest_shrunk_.compare_exchange_weak(seen, bytes);) continue;
    }
    try {
      void* const p = heap_.reallocate(b.p, bytes, std::align_val_t{b.alignment});
      marked_block moved = b;
      moved.p = p;
      check(intact(moved, kept / 8 * 8), "contents lost in a reallocation");
      return marked(p, bytes, b.alignment, random.next());
    } catch (std::bad_alloc const&) {
      failed();
      check(intact(b), "a failed reallocation changed the block");
      return b;
    }
  }

  void whole(random_source& random) {
    switch (random.below(4)) {
    case 0: (void)heap_.collect(); break;
    case 1: (void)heap_.trim(); break;
    case 2: check(heap_.stats().real_size <= heap_.real_peak(), "real_size above its peak"); break;
    default: check(!heap_.owns(&random), "a block on the stack is known");
    }
  }

  void failed() {
    ++failures_;
    check(may_fail_, "an allocation failed for no reason");
  }

  Heap& heap_;
  bool may_fail_;
  std::array<slot, 256> slots_;
  std::atomic<size_t> failures_{0}, largest_shrunk_{0};
  std::atomic<char const*> fault_{nullptr};
};

struct walk_kind {
  bool refuses = false, limited = false;
  size_t threads = 3;
};

// Threads walk in several generations, so that heaps change hands; between them everything rests and is verified. Where calls may
// fail, generations go on until one has: a heap that found its memory early asks the storage seldom.
template <class Heap> void walk(std::uint64_t seed, walk_kind kind) {
  checking_storage checked;
  failing_storage failing{checked};
  locked_storage locked{failing};
  counting_storage source{locked};
  {
    Heap heap{source};
    if (kind.refuses) failing.fail_one_in(4, seed);
    size_t const limit = 5 * chunk_bytes<Heap>;
    if (kind.limited) REQUIRE(heap.set_limit(limit));
    bool const may_fail = kind.refuses || kind.limited;
    shared_walk<Heap> path{heap, may_fail};
    for (std::uint64_t generation = 0; generation < 4 || (may_fail && path.failures() == 0 && generation < 100);
         ++generation) {
      in_threads(kind.threads, [&](size_t thread) { path.run(seed * 100 + generation * 10 + thread, scaled(20'000)); });
      heap.verify();
      zmm::statistics const s = heap.stats();
      CHECK(s.live_blocks == path.live());
      CHECK(s.real_size == source.live());
      if (char const* const fault = path.fault()) FAIL_CHECK(std::string(fault));
    }
    path.finish();
    heap.verify();
    CHECK(heap.stats().live_blocks == 0);
    CHECK(heap.stats().size == 0);
    // A block that is made smaller may go past the limit, by a chunk or its own mapping, and what it took is held as long as
    // the block lives. Later ones find room there, or in what their larger selves gave back: twice for each thread is ample.
    size_t const past = std::max(chunk_bytes<Heap>, path.largest_shrunk() + (64 << 10));
    if (kind.limited) CHECK(source.peak() <= limit + 2 * kind.threads * past);
    if (may_fail) CHECK(path.failures() > 0);
    if (char const* const fault = path.fault()) FAIL_CHECK(std::string(fault));
  }
  CHECK(source.live() == 0);
}

TEST_CASE("synchronized_heap: walk of three threads") {
  for (std::uint64_t seed = 1; seed <= scaled(2); ++seed) walk<zmm::synchronized_heap>(seed, {});
}
TEST_CASE("synchronized_heap: walk of eight threads") { walk<zmm::synchronized_heap>(10, {false, false, 8}); }
TEST_CASE("synchronized_heap: walk of three threads under a limit") { walk<zmm::synchronized_heap>(20, {false, true}); }
TEST_CASE("synchronized_heap: walk of three threads over storage that refuses") {
  walk<zmm::synchronized_heap>(30, {true});
}
TEST_CASE("synchronized_heap: walk of three threads, 256 KiB chunks") {
  walk<zmm::basic_synchronized_heap<small_chunks>>(40, {});
}
TEST_CASE("synchronized_heap: walk of three threads, 256 KiB chunks, under a limit, over storage that refuses") {
  walk<zmm::basic_synchronized_heap<small_chunks>>(50, {true, true});
}
TEST_CASE("synchronized_heap: walk of three threads, slots of at least 16 bytes") {
  walk<zmm::basic_synchronized_heap<wide_slots>>(60, {});
}
TEST_CASE("synchronized_heap: walk of three threads, free slots that prove themselves") {
  walk<zmm::basic_synchronized_heap<proven_links>>(70, {});
}
TEST_CASE("synchronized_heap: walk of three threads, checked frees") {
  walk<zmm::basic_synchronized_heap<checked_frees>>(80, {});
}
TEST_CASE("synchronized_heap: walk of three threads, checked, 256 KiB chunks, under a limit, over storage that refuses") {
  walk<zmm::basic_synchronized_heap<checked_small>>(85, {true, true});
}
TEST_CASE("synchronized_heap: walk of three threads, hardened") { walk<zmm::hardened_synchronized_heap>(90, {}); }
TEST_CASE(
    "synchronized_heap: walk of eight threads, paranoid, 256 KiB chunks, under a limit, over storage that refuses") {
  walk<zmm::basic_synchronized_heap<paranoid_small>>(100, {true, true, 8});
}
}  // namespace
