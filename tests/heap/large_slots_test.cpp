// Blocks of 3 to 32 KiB lie in slots: what they take, what a heap near its limit still serves, and what goes back.
#include <zmm/inspect.hpp>
#include <zmm/sampled.hpp>
#include <zmm/storages.hpp>
#include <zmm/zmm.hpp>

#include "../support/counting_storage.hpp"
#include "../support/engines.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <cstring>
#include <doctest/doctest.h>
#include <memory>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;
struct zend : zmm::default_options {
  using geometry = zmm::zend_geometry;
};
struct zend_original : original_slots {
  using geometry = zmm::zend_geometry;
};
struct original_small : original_slots {
  using geometry = small_chunks::geometry;
};
struct tiny_chunks : zmm::default_options {
  using geometry = zmm::geometry<64 * 1024, 4096>;
};
struct tiny_original : tiny_chunks {
  [[maybe_unused]] static constexpr size_t largest_slot = 3072;
};
struct large_pages : zmm::default_options {
  using geometry = zmm::geometry<1024 * 1024, 65536>;
};
struct few_slots : zend {
  [[maybe_unused]] static constexpr size_t largest_slot = 5120;
};
struct sampled_often : zend {
  [[maybe_unused]] static constexpr size_t sample_every = 8192;
};

static_assert(zmm::basic_heap<zend>::slot_limit == 32768 && zmm::basic_heap<few_slots>::slot_limit == 5120);
static_assert(zmm::basic_heap<small_chunks>::slot_limit == 4096 && zmm::basic_heap<tiny_chunks>::slot_limit == 3072);
static_assert(zmm::basic_heap<zend_original>::slot_limit == 3072 && zmm::basic_heap<large_pages>::slot_limit == 16384);
static_assert(zmm::basic_synchronized_heap<zend>::slot_limit == 32768 && zmm::request_heap::slot_limit == 3072);

// Bytes of chunks for each byte that was asked for, once four of them are full of blocks of `n` bytes.
template <class Heap> double bytes_a_live_byte(size_t n) {
  Heap heap;
  size_t blocks = 0;
  for (;; ++blocks) {
    static_cast<void>(heap.allocate(n, 8));
    if (heap.real_size() > 4 * chunk + 4096) return 4.0 * chunk / (static_cast<double>(blocks) * static_cast<double>(n));
  }
}

template <class Heap> void takes_little_more() {
  double worst = 0;
  for (size_t n = 1025; n <= 32768; n += scale() >= 10 ? 64 : 509) worst = std::max(worst, bytes_a_live_byte<Heap>(n));
  for (size_t slot : more_bin_sizes) {
    if (slot != 32768) worst = std::max(worst, bytes_a_live_byte<Heap>(slot + 1));
  }
  MESSAGE("bytes a live byte, at worst: " << worst);
  CHECK(worst <= 1.15);
}
TEST_CASE("large slots: a heap takes at most 1.15 bytes a live byte at every size from 1 to 32 KiB") {
  takes_little_more<zmm::basic_heap<zend>>();
}
TEST_CASE("large slots: a synchronized heap takes at most 1.15 bytes a live byte at every size from 1 to 32 KiB") {
  takes_little_more<zmm::basic_synchronized_heap<zend>>();
}

TEST_CASE("large slots: the first blocks of a size take no more pages than they need") {
  for (size_t slot : more_bin_sizes) {
    zmm::basic_heap<zend> heap;
    void* const block = heap.allocate(slot, 8);
    CHECK(heap.usable_size(block) == slot);
    bool met = false;
    heap.visit([&](zmm::area_info const& area) {
      CHECK(area.kind == zmm::area_kind::run);
      CHECK(area.slot_bytes == slot);
      if (slot > largest_bin) CHECK(area.bytes == round_up(slot, 4096));
      else CHECK(area.bytes <= 9 * 4096);
      return met = true;
    });
    CHECK(met);
    heap.deallocate(block, slot, 8);
    heap.verify();
    static_cast<void>(heap.collect());
    CHECK(heap.stats().chunks == 0);
  }
}

// How many blocks of `size()` bytes are served before the first refusal, and their bytes.
template <class Heap, class Size> std::pair<size_t, size_t> served(Heap& heap, Size size) {
  size_t blocks = 0, bytes = 0;
  std::vector<std::pair<void*, size_t>> live;
  for (;;) {
    size_t const n = size();
    void* const block = heap.try_allocate(n, 8);
    if (block == nullptr) break;
    live.emplace_back(block, n);
    bytes += n;
    ++blocks;
  }
  heap.verify();
  for (auto const& [block, n] : live) heap.deallocate(block, n, 8);
  heap.verify();
  CHECK(heap.stats().size == 0);
  return {blocks, bytes};
}
template <class Heap, class Size> std::pair<size_t, size_t> served_within(size_t limit, Size size) {
  Heap heap;
  REQUIRE(heap.set_limit(limit));
  return served(heap, size);
}

TEST_CASE("large slots: within one chunk as many blocks of a size are served as where they take pages") {
  for (size_t n = 3073; n <= 40000; n += scale() >= 10 ? 61 : 509) {
    auto const size = [n] { return n; };
    CAPTURE(n);
    CHECK(served_within<zmm::basic_heap<zend>>(chunk, size).first >=
          served_within<zmm::basic_heap<zend_original>>(chunk, size).first);
    CHECK(served_within<zmm::basic_heap<small_chunks>>(256 * 1024, size).first >=
          served_within<zmm::basic_heap<original_small>>(256 * 1024, size).first);
  }
}
TEST_CASE("large slots: a few chunks serve as much of mixed sizes as where blocks take pages, within a twentieth") {
  for (size_t most : {size_t{8192}, size_t{20000}, size_t{32768}}) {
    size_t bytes = 0, paged_bytes = 0;
    for (std::uint64_t seed = 0; seed < scaled(20); ++seed) {
      random_source one{seed}, other{seed};
      size_t const limit = (1 + seed % 3) * chunk;
      bytes += served_within<zmm::basic_heap<zend>>(limit, [&] { return one.between(100, most); }).second;
      paged_bytes += served_within<zmm::basic_heap<zend_original>>(limit, [&] { return other.between(100, most); }).second;
    }
    CAPTURE(most);
    CHECK(bytes * 20 >= paged_bytes * 19);
  }
}
TEST_CASE("large slots: a buffer of one small chunk serves what it served where blocks take pages") {
  auto const fill = [](auto heap_of, size_t bytes) {
    std::unique_ptr<unsigned char[]> const room(new unsigned char[2 * bytes]);
    zmm::buffer_storage buffer(room.get(), 2 * bytes);
    typename decltype(heap_of)::type heap{buffer};
    random_source random{7};
    return served(heap, [&] { return random.between(100, 9000); }).second;
  };
  struct plain { using type = zmm::basic_heap<tiny_chunks>; };
  struct original { using type = zmm::basic_heap<tiny_original>; };
  CHECK(fill(plain{}, 64 * 1024) == fill(original{}, 64 * 1024));
}

TEST_CASE("large slots: where a run of the usual length is refused a slot has a shorter one") {
  zmm::basic_heap<zend> heap;
  REQUIRE(heap.set_limit(chunk));
  std::vector<void*> slots, paged;
  for (int i = 0; i < 8; ++i) slots.push_back(heap.allocate(3500, 8));  // of 3584 bytes; eight are in a usual run
  while (void* const block = heap.try_allocate(40000, 8)) paged.push_back(block);
  CHECK(paged.size() == 50);  // of ten pages
  while (void* const block = heap.try_allocate(3500, 8)) slots.push_back(block);
  CHECK(slots.size() == 8 + 3);  // 511 - 8 - 500 pages were left
  heap.verify();
  for (void* block : slots) heap.deallocate(block, 3500, 8);
  CHECK(heap.collect() == 11 * 4096);
  heap.verify();
}

// Given back is what storage purged or took, by trim() or, in a synchronized heap, before.
template <class Heap> void gives_back() {
  zmm_test::counting_storage storage;
  Heap heap{storage};
  for (size_t n : {size_t{3500}, size_t{5000}, size_t{20000}, size_t{32768}}) {
    std::vector<void*> blocks((size_t{16} << 20) / n);
    for (void*& block : blocks) std::memset(block = heap.allocate(n, 8), 1, n);
    size_t freed = 0;
    size_t const before = storage.live() - storage.purged;
    for (size_t i = 0; i < blocks.size(); ++i) {
      if (i % 100 == 0) continue;
      heap.deallocate(blocks[i], n, 8);
      freed += n;
    }
    static_cast<void>(heap.trim());
    CHECK((before - (storage.live() - storage.purged)) * 10 >= freed * 8);  // a run with a live slot stays
    heap.verify();
    for (size_t i = 0; i < blocks.size(); i += 100) heap.deallocate(blocks[i], n, 8);
    static_cast<void>(heap.trim());
    CHECK(heap.real_size() <= 4096);  // the thread's cache
  }
}
TEST_CASE("large slots: trim() gives freed ones back") { gives_back<zmm::basic_heap<zend>>(); }
TEST_CASE("large slots: trim() of a synchronized heap gives freed ones back") {
  gives_back<zmm::basic_synchronized_heap<zend>>();
}

// What one size has freed serves another one before another chunk is taken.
TEST_CASE("large slots: sizes that come in turn do not add up") {
  zmm::basic_heap<zend> heap;
  for (size_t n = 3500; n <= 40000; n += 1700) {
    std::vector<void*> blocks((size_t{16} << 20) / n);
    for (void*& block : blocks) block = heap.allocate(n, 8);
    for (void* block : blocks) heap.deallocate(block, n, 8);
  }
  CHECK(heap.real_peak() <= 12 * chunk);
}

// Sizes around the bounds of slots, of all kinds of calls; where `Checks`, contents too.
template <class Heap> void walk(std::uint64_t seed) {
  Heap heap;
  random_source random{seed};
  struct held {
    unsigned char* p;
    size_t n, alignment;
    unsigned char mark;
  };
  std::vector<held> live;
  auto const is_whole = [](held const& h) { return h.n == 0 || (h.p[0] == h.mark && h.p[h.n - 1] == h.mark); };
  for (size_t step = 0; step < scaled(20000); ++step) {
    size_t const n = random.one_in(3) ? more_bin_sizes[random.below(34)] + random.below(17) - 8 : random.between(2000, 40000);
    if (live.empty() || (live.size() < 200 && random.one_in(2))) {
      size_t const alignment = size_t{1} << (random.one_in(8) ? random.below(17) : 4);
      held h{static_cast<unsigned char*>(heap.allocate(n, alignment)), n, alignment, static_cast<unsigned char>(step)};
      REQUIRE(reinterpret_cast<std::uintptr_t>(h.p) % alignment == 0);
      std::memset(h.p, h.mark, n);
      live.push_back(h);
      continue;
    }
    held& h = live[random.below(live.size())];
    REQUIRE(is_whole(h));
    if (random.one_in(3)) {
      size_t const kept = std::min(h.n, n);
      h.p = static_cast<unsigned char*>(heap.reallocate(h.p, n, std::align_val_t{h.alignment}));
      REQUIRE((h.p[0] == h.mark && h.p[kept - 1] == h.mark));
      h.n = n;
      std::memset(h.p, h.mark, n);
    } else {
      if (random.one_in(4)) heap.deallocate(h.p);
      else heap.deallocate(h.p, h.n, h.alignment);
      h = live.back();
      live.pop_back();
    }
    if (step % 4000 == 0) {
      static_cast<void>(random.one_in(2) ? heap.collect() : heap.trim());
      heap.verify();
    }
  }
  for (held const& h : live) heap.deallocate(h.p, h.n, h.alignment);
  heap.verify();
  CHECK(heap.stats().size == 0);
}
TEST_CASE("large slots: walk of a heap") { walk<zmm::basic_heap<zend>>(1); }
TEST_CASE("large slots: walk of a heap with a few large bins") { walk<zmm::basic_heap<few_slots>>(2); }
TEST_CASE("large slots: walk of a heap with pages of 64 KiB") { walk<zmm::basic_heap<large_pages>>(3); }
TEST_CASE("large slots: walk of a heap with the original's slots") { walk<zmm::basic_heap<zend_original>>(4); }
TEST_CASE("large slots: walk of a hardened heap") { walk<zmm::hardened_heap>(5); }
TEST_CASE("large slots: walk of a debug heap") { walk<zmm::debug_heap>(6); }
TEST_CASE("large slots: walk of a synchronized heap") { walk<zmm::basic_synchronized_heap<zend>>(7); }
TEST_CASE("large slots: walk of a hardened synchronized heap") { walk<zmm::hardened_synchronized_heap>(8); }
TEST_CASE("large slots: walk of a sampled heap") { walk<zmm::basic_heap<sampled_often>>(9); }
TEST_CASE("large slots: walk of a sampled synchronized heap") { walk<zmm::basic_synchronized_heap<sampled_often>>(10); }
}  // namespace
