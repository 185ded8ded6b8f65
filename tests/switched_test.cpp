// Sampling that is switched on and off while a program runs: the process's heap, and pools.
#include <zmm/profile.hpp>
#include <zmm/zmm.hpp>

#include "support/child.hpp"
#include "support/folded_profile.hpp"
#include "support/seeded_walk.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

namespace {
using namespace zmm_test;
using namespace zmm_test::folded;

constexpr bool is_sampled = !zmm::detail::under_sanitizer;

/// Live bytes of the process's heap in lines of a label: other tests leave blocks there, too.
double live(char const* label) { return bytes_of(profile(zmm::thread_heap{}), std::string(label) + ";"); }

struct block {
  void* address;
  std::size_t bytes;
};
template <class Heap> std::vector<block> take(Heap& heap, std::size_t count, std::size_t most = 300) {
  std::vector<block> blocks;
  blocks.reserve(count);
  for (std::size_t i = 0; i < count; ++i) blocks.push_back({heap.allocate(1 + i % most, 8), 1 + i % most});
  return blocks;
}
template <class Heap> void give(Heap& heap, std::vector<block> const& blocks) {
  for (block const& b : blocks) heap.deallocate(b.address, b.bytes, 8);
}
double sum(std::vector<block> const& blocks) {
  double bytes = 0;
  for (block const& b : blocks) bytes += static_cast<double>(b.bytes);
  return bytes;
}
zmm::thread_heap process;
}  // namespace

TEST_CASE("switched: the process's heap is sampled from when it is switched on, and its live bytes add up") {
  if (!is_sampled) return;
  zmm::label const scope{"adds up"};
  auto const before = take(process, 20000);
  CHECK(live("adds up") == 0);
  CHECK(zmm::set_sampling(4096));
  give(process, take(process, 300));
  auto const first = take(process, 200000);
  CHECK(is_within(live("adds up"), sum(first), 0.05));
  give(process, before);
  CHECK(is_within(live("adds up"), sum(first), 0.05));
  std::vector<block> kept;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (i % 2 == 0) process.deallocate(first[i].address, first[i].bytes, 8);
    else kept.push_back(first[i]);
  }
  CHECK(is_within(live("adds up"), sum(kept), 0.05));
  CHECK(zmm::set_sampling(0));
  auto const after = take(process, 100000);
  double const left = live("adds up");
  CHECK(is_within(left, sum(kept), 0.05));
  for (std::size_t i = 0; i < kept.size() / 2; ++i) process.deallocate(kept[i].address);  // by address
  CHECK(is_within(live("adds up"), sum({kept.begin() + static_cast<std::ptrdiff_t>(kept.size() / 2), kept.end()}), 0.1));
  for (std::size_t i = kept.size() / 2; i < kept.size(); ++i) process.deallocate(kept[i].address, kept[i].bytes, 8);
  CHECK(live("adds up") == 0);
  give(process, after);
  process.verify();
}

TEST_CASE("switched: on, off and on again, with another mean, and the sum is right at each") {
  if (!is_sampled) return;
  zmm::label const scope{"again"};
  double truth = 0;
  std::vector<std::vector<block>> all;
  for (std::size_t mean : {std::size_t{4096}, std::size_t{8192}, std::size_t{4096}, std::size_t{2000}}) {
    CHECK(zmm::set_sampling(mean));
    CHECK(zmm::set_sampling(mean));
    give(process, take(process, 300));
    all.push_back(take(process, 150000));
    truth += sum(all.back());
    CHECK(zmm::set_sampling(0));
    all.push_back(take(process, 50000));  // of these none is known, so they are not in the sum
    CHECK(is_within(live("again"), truth, 0.05));
  }
  for (auto const& blocks : all) give(process, blocks);
  CHECK(live("again") == 0);
}

TEST_CASE("switched: large blocks, aligned ones, and ones that are resized") {
  if (!is_sampled) return;
  zmm::label const scope{"resized"};
  CHECK(zmm::set_sampling(4096));
  give(process, take(process, 300));
  double truth = 0;
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 3000; ++i) {
    std::size_t const alignment = std::size_t{8} << i % 10;
    void* b = process.allocate(1 + i * 3, alignment);
    b = process.reallocate(b, 1 + i * 7, std::align_val_t{alignment});
    CHECK(process.owns(b));
    truth += static_cast<double>(1 + i * 7);
    blocks.push_back(b);
  }
  CHECK(is_within(live("resized"), truth, 0.05));
  zmm::set_sampling(0);
  for (void* b : blocks) process.deallocate(b);
  CHECK(live("resized") == 0);
}

TEST_CASE("switched: from another thread, while others allocate and free, and at their ends") {
  if (!is_sampled) return;
  zmm::label const scope{"switching"};
  bool stop = false;
  std::vector<std::vector<block>> left(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      zmm::label const inner{"switching"};
      while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        auto blocks = take(process, 2000, 500 + t);
        std::thread([&] { give(process, left[t]); }).join();  // which ends
        left[t] = blocks;
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    zmm::set_sampling(i % 2 == 0 ? 1024 : 0);
    if (i % 10 == 0) static_cast<void>(profile(process));
  }
  __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
  for (std::thread& t : threads) t.join();
  zmm::set_sampling(0);
  for (auto const& blocks : left) give(process, blocks);
  CHECK(live("switching") == 0);
  process.verify();
}

TEST_CASE("switched: a thread that begins meanwhile is sampled, and its blocks when it has ended") {
  if (!is_sampled) return;
  CHECK(zmm::set_sampling(4096));
  std::vector<block> blocks;
  std::thread([&] {
    zmm::label const scope{"of a thread"};
    give(process, take(process, 300));
    blocks = take(process, 200000);
  }).join();
  CHECK(is_within(live("of a thread"), sum(blocks), 0.05));
  zmm::set_sampling(0);
  std::thread([&] { give(process, blocks); }).join();
  CHECK(live("of a thread") == 0);
}

TEST_CASE("switched: in the child of a fork it is on as in the parent, and may be switched off") {
  if (!is_sampled) return;
  zmm::label const scope{"before the fork"};
  CHECK(zmm::set_sampling(4096));
  give(process, take(process, 300));
  auto const blocks = take(process, 50000);
  bool stop = false;
  std::thread other([&] {
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) process.deallocate(process.allocate(3000), 3000);
  });
  for (int i = 0; i < 10; ++i) {
    CHECK(holds_in_child([&](findings& found) {
      auto const more = take(process, 50000);
      double const truth = sum(blocks) + sum(more);
      double bytes = 0;
      std::string text = profile(process);
      bytes = bytes_of(text, "before the fork;");
      found.that(is_within(bytes, truth, 0.1), "the child's profile adds up");
      found.that(zmm::set_sampling(0), "it is switched off");
      give(process, more);
      give(process, blocks);
      found.that(live("before the fork") == 0, "frees are followed");
      process.verify();
    }));
  }
  __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
  other.join();
  zmm::set_sampling(0);
  give(process, blocks);
  CHECK(live("before the fork") == 0);
}

TEST_CASE("switched: at a limit a sample fails nothing, and the hook is asked") {
  if (!is_sampled) return;
  CHECK(holds_in_child([](findings& found) {
    zmm::label const scope{"at a limit"};
    found.that(zmm::set_sampling(1024), "on");
    found.that(process.set_limit(process.real_size() + (std::size_t{8} << 20)), "a limit");
    static int asked = 0;
    process.on_limit([](void*, std::size_t) noexcept { return process.deallocate(process.try_allocate(10, 8), 10, 8), ++asked < 3; }, nullptr);
    std::vector<void*> blocks;
    blocks.reserve(200000);
    while (void* const b = process.try_allocate(100, 8)) blocks.push_back(b);
    found.that(blocks.size() > 50000, "most of the limit is used");
    found.that(asked > 0, "the hook was asked");
    found.that(is_within(live("at a limit"), 100.0 * static_cast<double>(blocks.size()), 0.1), "it adds up");
    for (void* b : blocks) process.deallocate(b, 100, 8);
    found.that(live("at a limit") == 0, "frees are followed");
    process.verify();
  }));
}

TEST_CASE("switched: requests of a pool") {
  if (!is_sampled) return;
  zmm::request_pool pool;
  zmm::request_resource before{pool};
  auto const unknown = take(before, 1000);
  CHECK(zmm::set_sampling(pool, 4096));
  {
    zmm::request_resource request{pool}, child{zmm::within, request};
    auto const first = take(request, 100000), second = take(child, 100000);
    CHECK(is_within(bytes_of(profile(pool)), sum(first) + sum(second), 0.05));
    CHECK(is_within(bytes_of(profile(child)), sum(second), 0.08));
    give(request, first);
    CHECK(is_within(bytes_of(profile(pool)), sum(second), 0.08));
    auto const again = take(request, 100000);  // from lists
    CHECK(is_within(bytes_of(profile(request)), sum(again), 0.08));
    request.verify();
    zmm::set_sampling(pool, 0);
    auto const off = take(child, 10000);
    CHECK(is_within(bytes_of(profile(child)), sum(second), 0.08));
    give(child, second);
    CHECK(bytes_of(profile(child)) == 0);
    child.verify();
    child.release();
    request.collect();
    request.verify();
  }
  CHECK(bytes_of(profile(pool)) == 0);
  give(before, unknown);
  zmm::request_resource later{pool};
  auto const unsampled = take(later, 1000);
  CHECK(bytes_of(profile(pool)) == 0);
}

TEST_CASE("switched: sums of ended requests, and lists, blocks of pages, alignments, a buffer") {
  if (!is_sampled) return;
  zmm::request_pool pool;
  CHECK(zmm::set_sampling(pool, 2048));
  double taken = 0;
  for (int n = 0; n < 200; ++n) {
    alignas(16) static char buffer[4096];
    zmm::request_heap request{buffer, sizeof buffer, pool};
    zmm::request_heap plain{pool};
    std::vector<block> blocks;
    for (std::size_t i = 0; i < 400; ++i) {
      std::size_t const bytes = i % 50 == 0 ? 5000 : 1 + i, alignment = std::size_t{1} << i % 7;
      taken += static_cast<double>(bytes);
      void* const b = plain.allocate(bytes, alignment);
      CHECK(reinterpret_cast<std::uintptr_t>(b) % alignment == 0);
      if (i % 3 == 0) plain.deallocate(b, bytes, alignment);
      static_cast<void>(request.allocate(bytes, 8));
      taken += static_cast<double>(bytes);
    }
    plain.verify();
    request.verify();
    if (n % 2 == 0) plain.release();
    static_cast<void>(plain.stats());
  }
  CHECK(bytes_of(profile(pool)) == 0);
  zmm::detail::profile_data const all(pool);
  double allocated = 0;
  for (auto const& e : all) allocated += static_cast<double>(e.allocated_bytes);
  CHECK(is_within(allocated, taken - 200 * 4096, 0.05));
}

TEST_CASE("switched: one sample in 512 KiB, of a pool's many requests, of which it looks at a few") {
  if (!is_sampled) return;
  zmm::request_pool pool;
  CHECK(zmm::set_sampling(pool, std::size_t{512} << 10));
  constexpr std::size_t requests = 20000, blocks = 300;
  double taken = 0, small = 0;
  for (std::size_t n = 0; n < requests; ++n) {
    zmm::request_heap request{pool};
    zmm::label const scope{n % 2 == 0 ? "small" : "with pages"};
    void* live[blocks];
    for (std::size_t i = 0; i < blocks; ++i) {
      std::size_t const bytes = 40 + (n + i) % 500;
      live[i] = request.allocate(bytes, 8);
      taken += static_cast<double>(bytes);
      if (n % 2 == 0) small += static_cast<double>(bytes);
      if (i >= 50 && i % 2 == 0) request.deallocate(live[i - 50], 40 + (n + i - 50) % 500, 8);
    }
    if (n % 2 != 0) static_cast<void>(request.allocate(20000, 8)), taken += 20000;
    request.release();
  }
  zmm::detail::profile_data const all(pool);
  double allocated = 0, of_small = 0, live = 0;
  for (auto const& e : all) {
    allocated += static_cast<double>(e.allocated_bytes);
    live += static_cast<double>(e.bytes);
    if (e.label != nullptr && e.label[0] == 's') of_small += static_cast<double>(e.allocated_bytes);
  }
  MESSAGE("found " << allocated / taken << " of all, " << of_small / small << " of small");
  CHECK(is_within(allocated, taken, 0.3));
  CHECK(is_within(of_small, small, 0.4));
  CHECK(live == 0);
}

TEST_CASE("switched: a typed free of a constant size is noticed when its slot is used again") {
  if (!is_sampled) return;
  zmm::request_pool pool;
  CHECK(zmm::set_sampling(pool, 512));
  zmm::request_heap request{pool};
  struct node {
    char bytes[48];
  };
  zmm::allocator<node, zmm::request_heap> nodes{request};
  std::vector<node*> all;
  for (int n = 0; n < 20; ++n) {
    for (int i = 0; i < 1000; ++i) all.push_back(nodes.allocate(1));
    CHECK(is_within(bytes_of(profile(request)), 48000, 0.6));  // 90 samples
    for (node* p : all) nodes.deallocate(p, 1);
    all.clear();
  }
  request.verify();
}

TEST_CASE("switched: random walks of requests while their pool's sampling is switched") {
  if (!is_sampled) return;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    zmm::set_sampling(zmm::default_request_pool(), seed % 3 == 0 ? 0 : 1000 * seed);
    walk_counts met;
    seeded_walk<zmm::request_heap>(7000 + seed, 10000, met);
  }
  zmm::set_sampling(zmm::default_request_pool(), 0);
}
