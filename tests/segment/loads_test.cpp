// Loads, orders of calls and conditions of the system that a segment heap has to stand.
#include <zmm/segment_resource.hpp>
#include <zmm/storage/buffer_storage.hpp>
#include <zmm/storage/malloc_storage.hpp>

#include "../support/child.hpp"
#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/random.hpp"
#include "../support/sanitizers.hpp"
#include "../support/stop_recorder.hpp"
#include <algorithm>
#include <cstring>
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;
constexpr size_t kib = 1024, mib = 1024 * kib;

struct block {
  unsigned char* p;
  size_t bytes;
};

// Where a block comes and goes that nobody in the heap may touch meanwhile: its bytes say whose it is.
template <class Heap> block take(Heap& h, size_t bytes, size_t alignment = alignof(std::max_align_t)) {
  block const b{static_cast<unsigned char*>(h.allocate(bytes, alignment)), bytes};
  std::memset(b.p, static_cast<int>(bytes % 251), bytes);
  return b;
}
bool is_whole(block const& b) {
  return std::all_of(b.p, b.p + b.bytes, [&](unsigned char c) { return c == b.bytes % 251; });
}

#define HEAPS zmm::segment_heap, zmm::hardened_segment_heap, zmm::basic_segment_heap<small_segments>

TEST_CASE_TEMPLATE("segment loads: 100,000 blocks of mixed sizes, freed in every order, leave nothing behind", Heap,
                   HEAPS) {
  enum class order { as_taken, backward, at_random, every_third };
  counting_storage source;
  Heap h{source};
  for (order const how : {order::as_taken, order::backward, order::at_random, order::every_third}) {
    random_source random(static_cast<std::uint64_t>(how) + 1);
    std::vector<block> all;
    for (int i = 0; i < 100'000; ++i) {
      size_t const bytes = random.one_in(1000) ? random.between(1, 300 * kib) : random.between(1, 400);
      all.push_back({static_cast<unsigned char*>(h.allocate(bytes)), bytes});
    }
    h.verify();
    if (how == order::backward) std::reverse(all.begin(), all.end());
    if (how == order::at_random)
      for (size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random.below(i)]);
    size_t const step = how == order::every_third ? 3 : 1;
    for (size_t from = 0; from < step; ++from) {
      for (size_t i = from; i < all.size(); i += step) h.deallocate(all[i].p, all[i].bytes);
      h.verify();
    }
    CHECK(h.stats().live_blocks == 0);
    CHECK(h.stats().size == 0);
    h.collect();
    CHECK(h.real_size() == 0);
    CHECK(source.live() == 0);
  }
}

TEST_CASE_TEMPLATE("segment loads: sizes and alignments around every edge", Heap, HEAPS) {
  Heap h;
  std::vector<size_t> sizes;
  for (size_t const edge :
       {size_t{0}, size_t{16}, size_t{256}, size_t{272}, 4 * kib, 8 * kib, 256 * kib, 288 * kib, mib})
    for (size_t off = 0; off <= 144; off += 8) {
      sizes.push_back(edge + off);
      if (edge >= off) sizes.push_back(edge - off);
    }
  std::vector<block> live;
  std::vector<size_t> alignments;
  for (size_t const bytes : sizes)
    for (size_t const alignment : {size_t{1}, size_t{16}, size_t{32}, 4 * kib, 512 * kib}) {
      block const b = take(h, bytes, alignment);
      REQUIRE(reinterpret_cast<std::uintptr_t>(b.p) % alignment == 0);
      live.push_back(b);
      alignments.push_back(alignment);
      if (live.size() < 40) continue;
      size_t const at = (bytes + alignment / 16) % live.size();
      if (!is_whole(live[at])) FAIL("a block of " << live[at].bytes << " was touched");
      h.deallocate(live[at].p, live[at].bytes, alignments[at]);
      live[at] = live.back();
      alignments[at] = alignments.back();
      live.pop_back();
      alignments.pop_back();
    }
  h.verify();
  for (size_t i = 0; i < live.size(); ++i) h.deallocate(live[i].p, live[i].bytes, alignments[i]);
  h.verify();
  CHECK(h.stats().live_blocks == 0);
}

TEST_CASE("segment loads: two heaps on one storage leave each other alone") {
  static unsigned char memory[4 << 20];
  zmm::buffer_storage fixed{memory, sizeof memory};
  counting_storage shared{fixed};
  {
    zmm::segment_heap first{shared};
    zmm::hardened_segment_heap second{shared};
    random_source random(9);
    std::vector<block> of_first, of_second;
    size_t refused = 0;
    auto const step = [&](auto& h, std::vector<block>& live) {
      size_t const bytes = random.one_in(50) ? random.between(1, 600 * kib) : random.between(1, 3000);
      if (live.empty() || random.below(1500) > live.size()) {
        if (auto* const p = static_cast<unsigned char*>(h.try_allocate(bytes))) {
          std::memset(p, static_cast<int>(bytes % 251), bytes);
          live.push_back({p, bytes});
          return;
        }
        ++refused;
        if (live.empty()) return;
      }
      size_t const at = random.below(live.size());
      if (!is_whole(live[at])) FAIL("a block was touched");
      h.deallocate(live[at].p, live[at].bytes);
      live[at] = live.back();
      live.pop_back();
    };
    for (int i = 0; i < 60'000; ++i) {
      step(first, of_first);
      step(second, of_second);
      if (i % 5000 != 0) continue;
      first.verify();
      second.verify();
      CHECK(first.real_size() + second.real_size() == shared.live());
    }
    CHECK(refused > 0);
    for (block const& b : of_second) {
      CHECK(second.owns(b.p));
      if (!under_address_sanitizer) CHECK_FALSE(first.owns(b.p));
    }
    second.release();
    second.trim();
    CHECK(second.real_size() <= 256 * kib);
    first.verify();
    for (block const& b : of_first) CHECK(is_whole(b));
  }
  CHECK(shared.live() == 0);
}

TEST_CASE("segment loads: what one heap keeps it gives to another one only when it is trimmed") {
  static unsigned char memory[16 << 20];
  zmm::buffer_storage fixed{memory, sizeof memory};
  zmm::segment_heap first{fixed}, second{fixed};
  for (int round = 0; round < 20; ++round) {
    void* blocks[4];
    for (void*& p : blocks) p = first.allocate(3 * mib);
    for (void* p : blocks) first.deallocate(p);
  }
  REQUIRE(first.stats().cached_chunks > 0);
  REQUIRE(second.try_allocate(13 * mib) == nullptr);
  CHECK(first.trim() >= 6 * mib);
  CHECK(second.try_allocate(13 * mib) != nullptr);
}

TEST_CASE("segment loads: storage too small for a segment, and none at all") {
  alignas(4096) static unsigned char memory[3 * 4096];
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{63}, size_t{4095}}) {
    zmm::buffer_storage fixed{memory, bytes};
    zmm::segment_heap h{fixed};
    CHECK(h.try_allocate(1) == nullptr);
    CHECK_THROWS_AS((void)h.allocate(1), zmm::out_of_memory);
    CHECK(h.collect() == 0);
    CHECK(h.trim() == 0);
    h.release();
    h.verify();
    CHECK(h.real_size() == 0);
  }
  zmm::buffer_storage none{nullptr, 0};
  zmm::segment_heap of_none{none};
  CHECK(of_none.try_allocate(1) == nullptr);
  zmm::buffer_storage fixed{memory, sizeof memory};
  zmm::segment_heap h{fixed};
  void* const p = h.allocate(3 * 4096 - 200);  // all of it
  CHECK(h.try_allocate(200) == nullptr);
  h.deallocate(p);
  CHECK(h.try_allocate(3 * 4096 - 200) == p);
  h.verify();
}

// Options that nobody would choose work as well.
template <size_t Bytes> struct segments_of : zmm::default_options {
  [[maybe_unused]] static constexpr size_t segment_bytes = Bytes;
  [[maybe_unused]] static constexpr size_t reserve_bytes = Bytes % 2 == 0 ? 0 : 100;
};
TEST_CASE_TEMPLATE("segment loads: segments of any size", Options, segments_of<0>, segments_of<1>, segments_of<5000>,
                   segments_of<3 * mib>, segments_of<(64 << 20) + 1>) {
  counting_storage source;
  {
    zmm::basic_segment_heap<Options> h{source};
    random_source random(11);
    std::vector<block> live;
    for (int i = 0; i < 20'000; ++i) {
      if (live.size() < 100 || random.one_in(2)) {
        live.push_back(take(h, random.one_in(20) ? random.between(1, 40'000) : random.between(1, 300)));
      } else {
        size_t const at = random.below(live.size());
        if (!is_whole(live[at])) FAIL("a block was touched");
        h.deallocate(live[at].p, live[at].bytes);
        live[at] = live.back();
        live.pop_back();
      }
      if (i % 2000 == 0) h.verify();
    }
    h.release();
    h.verify();
  }
  CHECK(source.live() == 0);
}

TEST_CASE("segment loads: a block grows at both its ends where both are free, and at the limit") {
  for (bool const limited : {false, true}) {
    zmm::segment_heap h;
    block const front = take(h, 2000), middle = take(h, 1000), behind = take(h, 2000), wall = take(h, 24);
    if (limited) REQUIRE(h.set_limit(h.real_size()));
    h.deallocate(front.p, front.bytes);
    h.deallocate(behind.p, behind.bytes);
    auto* const grown = static_cast<unsigned char*>(h.grow_backward(middle.p, 4900, 4900, 8));
    REQUIRE(grown != nullptr);
    CHECK(grown < middle.p);
    CHECK(h.usable_size(grown) >= 4900);
    CHECK(is_whole(middle));  // where it was
    std::memset(grown, 1, 4900);
    CHECK(is_whole(wall));
    CHECK(h.grow_backward(grown, 6000, 6000, 8) == nullptr);
    h.verify();
    size_t const got = h.resize_in_place(grown, 4900, 100, 100);
    CHECK(got >= 100);
    h.deallocate(grown, 100);
    h.deallocate(wall.p, wall.bytes);
    h.verify();
    CHECK(h.stats().live_blocks == 0);
  }
}

// The kernel reads it, and says so if it cannot.
bool is_accessible(void const* p) {
  int ends[2];
  if (::pipe(ends) != 0) return false;
  bool const done = ::write(ends[1], p, 1) == 1;
  ::close(ends[0]);
  ::close(ends[1]);
  return done;
}

TEST_CASE("segment loads: what grows in place does not reach over its guard page") {
  zmm::hardened_segment_heap h;
  if (always_watched<zmm::hardened_segment_heap>) return;
  block const b = take(h, 2 * mib);
  REQUIRE(is_accessible(b.p));
  CHECK(h.resize_in_place(b.p, b.bytes, b.bytes + 8 * kib, b.bytes + 8 * kib) == 0);
  CHECK(h.resize_in_place(b.p, b.bytes, b.bytes + 4 * kib, b.bytes + 4 * kib) == 0);
  size_t const got = h.resize_in_place(b.p, b.bytes, mib, mib);  // what shrinks keeps one
  CHECK(got >= mib);
  CHECK_FALSE(is_accessible(b.p + got + 4 * kib));
  h.deallocate(b.p, mib);
  // One that was kept and is used again as well.
  for (size_t const bytes : {2 * mib, mib + 40 * kib}) {
    unsigned char* last = nullptr;
    for (int round = 0; round < 10; ++round) {
      last = take(h, bytes).p;
      h.deallocate(last, bytes);
    }
    block const again = take(h, bytes);
    CHECK_FALSE(is_accessible(again.p + bytes + 4 * kib));
    h.deallocate(again.p, again.bytes);
  }
  h.verify();
}

TEST_CASE_TEMPLATE("segment loads: a child of a fork goes on with the heap, and so does its parent", Heap, HEAPS) {
  Heap h;
  std::vector<block> live;
  random_source random(12);
  for (int i = 0; i < 2000; ++i)
    live.push_back(take(h, random.one_in(50) ? random.between(1, mib) : random.between(1, 900)));
  pid_t const child = ::fork();
  if (child == 0) {
    for (block const& b : live) {
      if (!is_whole(b)) ::_exit(1);
      h.deallocate(b.p, b.bytes);
    }
    h.verify();
    if (h.stats().live_blocks != 0) ::_exit(2);
    for (int i = 0; i < 1000; ++i) (void)take(h, 100 + static_cast<size_t>(i));
    h.release();
    h.trim();
    h.verify();
    ::_exit(0);
  }
  for (int i = 0; i < 1000; ++i) live.push_back(take(h, random.between(1, 900)));
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  for (block const& b : live) {
    if (!is_whole(b)) FAIL("a block was touched");
    h.deallocate(b.p, b.bytes);
  }
  h.verify();
}

TEST_CASE("segment loads: a hardened heap notices what is freed while nobody uses it") {
  auto const misuse = [](auto body) {
    return run_in_child([body] {
      zmm::hardened_segment_heap h;
      void* blocks[4];
      for (int round = 0; round < 20; ++round) {
        for (void*& p : blocks) p = h.allocate(3 * mib);
        for (void* p : blocks) h.deallocate(p);
      }
      body(h, blocks);
    });
  };
  child_result const twice = misuse([](zmm::hardened_segment_heap& h, void** blocks) { h.deallocate(blocks[1]); });
  CHECK(twice.aborted);
  CHECK(twice.stopped);
  child_result const asked =
      misuse([](zmm::hardened_segment_heap& h, void** blocks) { static_cast<void>(h.usable_size(blocks[2])); });
  CHECK(asked.stopped);
  CHECK_FALSE(misuse([](zmm::hardened_segment_heap& h, void** blocks) {
                if (!always_watched<zmm::hardened_segment_heap> && h.owns(blocks[0])) std::abort();
              }).aborted);
}

TEST_CASE("segment loads: over malloc, which resizes nothing, blocks that come and go are kept all the same") {
  counting_storage source{zmm::malloc_storage()};
  {
    zmm::segment_heap h{source};
    size_t before = 0;
    random_source random(13);
    for (int round = 0; round < 400; ++round) {
      if (round == 200) before = source.allocations;
      std::vector<block> live;
      for (size_t i = random.between(1, 6); i != 0; --i) live.push_back(take(h, 3 * mib));
      for (block const& b : live) h.deallocate(b.p, b.bytes);
    }
    CHECK(source.allocations - before <= 4);
    for (int i = 0; i < 200; ++i) {  // and of other sizes
      block const b = take(h, random.between(mib, 6 * mib));
      h.deallocate(b.p, b.bytes);
    }
    h.verify();
    CHECK(h.real_size() == source.live());
    h.trim();
    CHECK(source.live() == 0);
  }
}
}  // namespace
