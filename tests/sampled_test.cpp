// Sampled heaps: what their samples add up to is what the program took, and what was freed is not among it.
#include <zmm/profile.hpp>
#include <zmm/zmm.hpp>

#include "support/child.hpp"
#include "support/folded_profile.hpp"
#include "support/seeded_walk.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {
using namespace zmm_test;
using namespace zmm_test::folded;
using format = zmm::profile_format;

/// Enough samples for a few per cent in a test of a second; each takes a page.
struct often : zmm::default_options {
  [[maybe_unused]] static constexpr std::size_t sample_every = 4096;
};
struct often_small : small_chunks {
  [[maybe_unused]] static constexpr std::size_t sample_every = 3000;
};
struct with_places : often {
  using site = zmm::call_site;
};
constexpr bool is_sampled = !zmm::detail::under_sanitizer;

struct block {
  void* address;
  std::size_t bytes;
};
/// Blocks of all sizes, many of them freed and taken again, so that most come from lists. Returns: what is live.
template <class Heap> std::vector<block> fill(Heap& heap, std::size_t count, std::uint64_t seed, std::size_t most = 400) {
  random_source random{seed};
  std::vector<block> live;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t const bytes = random.below(200) == 0 ? 1 + random.below(50000) : 1 + random.below(most);
    live.push_back({heap.allocate(bytes), bytes});
    if (random.below(8) == 0) {
      for (std::size_t n = live.size() < 5 ? 0 : 5; n != 0; --n) {
        std::size_t const victim = random.below(live.size());
        heap.deallocate(live[victim].address, live[victim].bytes);
        live[victim] = live.back();
        live.pop_back();
      }
    }
  }
  return live;
}
double sum(std::vector<block> const& live) {
  double bytes = 0;
  for (block const& b : live) bytes += static_cast<double>(b.bytes);
  return bytes;
}
/// About 60 MB live, taken by two parts of a program, of which one takes over what another freed.
template <class Heap> void adds_up() {
  Heap heap;
  CHECK(profile(heap).empty());
  std::vector<block> first, second;
  double const live_before = sum(first = fill(heap, 1000, 1));
  for (block const& b : first) heap.deallocate(b.address, b.bytes);
  CHECK(live_before > 0);
  {
    zmm::label const scope{"first"};
    first.clear();
    for (std::size_t i = 0; i < 200000; ++i) first.push_back({heap.allocate(1 + i % 300), 1 + i % 300});
    for (std::size_t i = 0; i < first.size(); i += 2) heap.deallocate(first[i].address, first[i].bytes);
    for (std::size_t i = 0; i < first.size() / 2; ++i) first[i] = first[2 * i + 1];
    first.resize(first.size() / 2);
  }
  {
    zmm::label const scope{"second"};  // from lists
    for (std::size_t i = 0; i < 200000; i += 2) second.push_back({heap.allocate(1 + i % 300), 1 + i % 300});
    for (std::size_t i = 0; i < 300; ++i) second.push_back({heap.allocate(20000), 20000});
  }
  heap.verify();
  std::string const text = profile(heap);
  if (is_sampled) {
    CHECK(is_within(bytes_of(text), sum(first) + sum(second), 0.05));
    CHECK(is_within(bytes_of(text, "first;"), sum(first), 0.1));
    CHECK(is_within(bytes_of(text, "second;"), sum(second), 0.1));
  }
  for (block const& b : first) heap.deallocate(b.address, b.bytes);
  if (is_sampled) CHECK(bytes_of(profile(heap), "first;") == 0);
  CHECK(is_within(bytes_of(profile(heap)), sum(second), 0.1));
  for (block const& b : second) heap.deallocate(b.address, b.bytes);
  CHECK(profile(heap).empty());
  CHECK(heap.stats().size == 0);
  heap.verify();
}
}  // namespace

TEST_CASE("sampled: live bytes add up to the truth, by label too, and what was freed is gone") {
  adds_up<zmm::basic_heap<often>>();
  adds_up<zmm::basic_request_heap<often>>();
  adds_up<zmm::basic_synchronized_heap<often>>();
  adds_up<zmm::basic_segment_heap<often>>();
}

TEST_CASE("sampled: one sample in 512 KiB, of a large program") {
  zmm::sampled_heap heap;
  std::vector<void*> blocks;
  constexpr std::size_t each = 20000, count = 60000;  // 1.2 GB that nobody touches
  for (std::size_t i = 0; i < count; ++i) blocks.push_back(heap.allocate(each));
  if (is_sampled) CHECK(is_within(bytes_of(profile(heap)), double{each} * double{count}, 0.12));
  for (void* b : blocks) heap.deallocate(b, each);
  CHECK(profile(heap).empty());
}

TEST_CASE("sampled: a block may be small, large, huge, aligned, resized, found by its address") {
  zmm::basic_heap<often> heap;
  for (std::size_t i = 0; i < 2000; ++i) {
    std::size_t const alignment = std::size_t{1} << i % 14;
    void* b = heap.allocate(i * 7, alignment);
    CHECK(reinterpret_cast<std::uintptr_t>(b) % alignment == 0);
    b = heap.reallocate(b, i * 11, std::align_val_t{alignment});
    b = heap.reallocate(b, i * 3, std::align_val_t{alignment});
    CHECK(heap.owns(b));
    CHECK(heap.usable_size(b) >= i * 3);
    heap.deallocate(b);
    b = heap.allocate(5000 + i * 100);
    std::size_t const got = heap.resize_in_place(b, 5000 + i * 100, 5000 + i * 200, 5000 + i * 300);
    heap.deallocate(b, got != 0 ? got : 5000 + i * 100);
  }
  CHECK(profile(heap).empty());
  CHECK(heap.stats().size == 0);
  heap.verify();
}

TEST_CASE("sampled: a block that grows in place stands for what it has grown to") {
  if (!is_sampled) return;
  zmm::basic_heap<often> heap;
  double truth = 0;
  std::vector<std::pair<void*, std::size_t>> blocks;
  for (std::size_t i = 0; i < 2000; ++i) {
    void* const b = heap.allocate(40000);
    std::size_t const got = heap.resize_in_place(b, 40000, 4096 * 15, 4096 * 15);
    blocks.emplace_back(b, got != 0 ? 4096 * 15 : 40000);
    truth += static_cast<double>(blocks.back().second);
  }
  CHECK(is_within(bytes_of(profile(heap)), truth, 0.05));
  for (auto const& b : blocks) heap.deallocate(b.first, b.second);
  CHECK(profile(heap).empty());
}

TEST_CASE("sampled: containers in a heap, with Boost's bulk protocol off") {
  zmm::basic_heap<often> heap;
  {
    std::vector<std::string> words;
    std::vector<int, zmm::allocator<int, zmm::basic_heap<often>>> numbers{heap};
    for (int i = 0; i < 100000; ++i) numbers.push_back(i);
    for (int i = 0; i < 100000; ++i) REQUIRE(numbers[static_cast<std::size_t>(i)] == i);
    if (is_sampled) CHECK(bytes_of(profile(heap)) > 0);
  }
  CHECK(profile(heap).empty());
}

TEST_CASE("sampled: where the options have places, they are told") {
  zmm::basic_heap<with_places> heap;
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(heap.allocate(1000));
  if (is_sampled) CHECK(profile(heap).find("sampled_test.cpp:" + std::to_string(__LINE__ - 1) + " ") != std::string::npos);
  for (void* b : blocks) heap.deallocate(b, 1000);
}

TEST_CASE("sampled: a pool tells of all its requests, also of those that have ended") {
  if (!is_sampled) return;
  std::string before;
  {
    zmm::request_pool pool;
    double taken = 0;
    zmm::resource<zmm::basic_request_heap<often>> in_flight{pool};
    for (int i = 0; i < 3000; ++i) static_cast<void>(in_flight.allocate(500));
    for (int n = 0; n < 100; ++n) {
      zmm::resource<zmm::basic_request_heap<often>> request{pool};
      zmm::resource<zmm::basic_request_heap<often>> child{zmm::within, request};
      for (int i = 0; i < 200; ++i, taken += 700) static_cast<void>(request.allocate(400)), static_cast<void>(child.allocate(300));
      if (n == 50) CHECK(bytes_of(profile(child)) > 0);
      if (n % 2 == 0) request.release();
    }
    CHECK(is_within(bytes_of(profile(pool)), 3000 * 500, 0.2));
    CHECK(bytes_of(profile(pool)) == bytes_of(profile(in_flight)));
    zmm::detail::profile_data const all(pool);
    double allocated = 0;
    for (auto const& e : all) allocated += static_cast<double>(e.allocated_bytes);
    CHECK(is_within(allocated, taken + 3000 * 500, 0.05));
    in_flight.verify();
  }
  zmm::request_pool pool;  // most probably where the other was
  CHECK(profile(pool).empty());
}

TEST_CASE("sampled: release() and the end of a heap end its samples") {
  zmm::basic_heap<often> heap;
  fill(heap, 20000, 3);
  heap.release();
  CHECK(profile(heap).empty());
  for (int i = 0; i < 100; ++i) {
    zmm::basic_heap<often> other;
    CHECK(profile(other).empty());
    fill(other, 500, 4);
  }
  CHECK(profile(heap).empty());
}

TEST_CASE("sampled: a profile takes nothing of the heap, and samples nothing of its storage") {
  counting_storage storage;
  zmm::basic_heap<often> heap{storage};
  auto const live = fill(heap, 30000, 5);
  std::size_t const calls = storage.allocations;
  zmm::statistics const before = heap.stats();
  for (format as : {format::pprof, format::folded, format::heaptrack, format::massif}) profile(heap, as);
  CHECK(storage.allocations == calls);
  CHECK(heap.stats().size == before.size);
  CHECK(heap.stats().live_blocks == before.live_blocks);
}

TEST_CASE("sampled: at a limit a sample fails nothing") {
  zmm::basic_heap<often_small> heap;
  CHECK(heap.set_limit(256 * 1024));
  std::size_t count = 0;
  while (void* const b = heap.try_allocate(64)) static_cast<void>(b), ++count;
  CHECK(count > (256 - 64) * 1024 / 64 / 8);
  heap.verify();
}

TEST_CASE("sampled: heaps that forward are not sampled") {
  zmm::passthrough(true);
  {
    zmm::basic_heap<often> heap;
    auto const live = fill(heap, 5000, 6);
    CHECK(bytes_of(profile(heap), "block") == sum(live));
    for (block const& b : live) heap.deallocate(b.address, b.bytes);
  }
  zmm::passthrough(false);
}

TEST_CASE("sampled: threads take and free each other's blocks while one writes profiles") {
  zmm::basic_synchronized_heap<often> heap;
  std::vector<block> left[4];
  bool stop = false;
  std::thread reader([&] {
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) profile(heap);
  });
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) threads.emplace_back([&heap, &left, t] { left[t] = fill(heap, 20000, 10 + t); });
  for (std::thread& t : threads) t.join();
  threads.clear();
  double truth = 0;
  for (auto const& part : left) truth += sum(part);
  if (is_sampled && truth > 4e6) CHECK(is_within(bytes_of(profile(heap)), truth, 0.2));
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&heap, &mine = left[(t + 1) % 4]] {
      for (block const& b : mine) heap.deallocate(b.address, b.bytes);
    });
  }
  for (std::thread& t : threads) t.join();
  __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
  reader.join();
  CHECK(profile(heap).empty());
  heap.verify();
}

TEST_CASE("sampled: a child of a fork has the samples, while another thread takes some") {
  zmm::basic_synchronized_heap<often> heap;
  auto const live = fill(heap, 20000, 7);
  bool stop = false;
  std::thread other([&] {
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) heap.deallocate(heap.allocate(3000), 3000);
  });
  for (int i = 0; i < 20; ++i) {
    CHECK(holds_in_child([&](findings& found) {
      double bytes = 0;
      zmm::write_profile(heap, format::folded, [&](char const*, std::size_t count) {
        bytes += static_cast<double>(count);
        return true;
      });
      found.that(bytes > 0 || !is_sampled, "the child's profile has lines");
      for (block const& b : live) heap.deallocate(b.address, b.bytes);
      heap.verify();
    }));
  }
  __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
  other.join();
}

namespace {
template <class Heap> void walk(std::uint64_t first_seed) {
  walk_counts met;
  for (std::uint64_t seed = first_seed; seed < first_seed + 4; ++seed) {
    seeded_walk<Heap>(seed, 10000, met);
  }
  CHECK(met.resizes > 0);
}
}  // namespace

TEST_CASE("sampled: random walk of a heap") { walk<zmm::basic_heap<often_small>>(1000); }
TEST_CASE("sampled: random walk of a request") { walk<zmm::basic_request_heap<often_small>>(2000); }
TEST_CASE("sampled: random walk of a synchronized heap") { walk<zmm::basic_synchronized_heap<often_small>>(3000); }
TEST_CASE("sampled: random walk of a segment heap") { walk<zmm::basic_segment_heap<often_small>>(4000); }
