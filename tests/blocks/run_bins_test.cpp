// Bins over a page layer: runs carved for somebody else, chains of free slots given and taken, collections that are told
// of others' fresh runs.
#include <zmm/blocks/run_bins.hpp>

#include "../chunk/layer_with_source.hpp"
#include "../support/counting_storage.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <algorithm>
#include <doctest/doctest.h>
#include <utility>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;
using geometry = zmm::geometry<256 * 1024, 4096>;
using layer = zmm::detail::page_layer<geometry>;
using bins_type = zmm::detail::run_bins<layer, zmm::detail::plain_links>;
using zmm::detail::admission;
using zmm::detail::bin_index;
using zmm::detail::free_slot;

constexpr bin_index bin64{7};
constexpr size_t slots = 64;

struct fixture {
  counting_storage source;
  layer_with_source<geometry> pages{source};
  bins_type bins;
  admission asked;

  void* take() {
    if (void* const p = bins.pop(bin64)) return p;
    if (void* const p = bins.bump(bin64)) return p;
    return bins.refill(bin64, pages, asked);
  }
  bins_type::fresh_run open() { return bins.open_run(bin64, pages, asked); }
  // Links the slots of `run` to a chain. Returns its first and last.
  std::pair<free_slot*, free_slot*> chain(bins_type::fresh_run& run, size_t count) {
    free_slot *first = nullptr, *last = nullptr;
    for (; count != 0; --count) {
      first = ::new (run.take(64)) free_slot{first};
      if (last == nullptr) last = first;
    }
    return {first, last};
  }
  template <class... Runs> size_t collect(Runs&... runs) {
    size_t const bytes = bins.collect(pages, [&](bin_index bin, [[maybe_unused]] auto visit) {
      if (bin.value == bin64.value) (visit(runs), ...);
    });
    bins.verify(pages, nullptr);
    pages.retire_empty();
    pages.verify(nullptr);
    return bytes;
  }
};

TEST_CASE("run_bins: a run carved for somebody else goes back only when its fresh part is told of") {
  fixture f;
  bins_type::fresh_run run = f.open();
  REQUIRE(run.left(64) == slots);
  auto const [first, last] = f.chain(run, 10);
  f.bins.push_chain(bin64, first, last);
  CHECK(f.collect() == 0);
  CHECK(run.left(64) == slots - 10);
  CHECK(f.bins.carved_bytes() == slots * 64);
  SUBCASE("it is told of, but nothing was freed since") { CHECK(f.collect(run) == 0); }
  SUBCASE("it is told of after another free") {
    f.bins.push(bin64, run.take(64));
    CHECK(f.collect(run) == 4096);
    CHECK(run.empty());
    CHECK(f.bins.carved_bytes() == 0);
    CHECK(f.pages.chunks() == 0);
  }
  SUBCASE("a slot of it is live") {
    void* const live = run.take(64);
    f.bins.push(bin64, run.take(64));
    CHECK(f.collect(run) == 0);
    CHECK_FALSE(run.empty());
    f.bins.push(bin64, live);
    CHECK(f.collect(run) == 4096);
  }
}

size_t length(free_slot const* list) {
  size_t n = 0;
  for (; list != nullptr; list = list->next) ++n;
  return n;
}

TEST_CASE("run_bins: chains are taken off the list first, then off what a collection put aside") {
  fixture f;
  std::vector<void*> held;
  for (size_t i = 0; i < 4 * slots; ++i) held.push_back(f.take());
  for (size_t i = 0; i < held.size(); i += 2) f.bins.push(bin64, held[i]);
  CHECK(f.collect() == 0);
  for (size_t i = 1; i < 20; i += 2) f.bins.push(bin64, held[i]);
  size_t count = 0;
  CHECK(f.bins.take_chain(bin64, 0, f.pages, count) == nullptr);
  free_slot* chain = f.bins.take_chain(bin64, 15, f.pages, count);
  CHECK(count == 15);
  CHECK(length(chain) == 15);
  size_t total = count, calls = 1;
  while (free_slot* const more = f.bins.take_chain(bin64, 1000, f.pages, count)) {
    CHECK(length(more) == count);
    total += count;
    free_slot* last = more;
    while (last->next != nullptr) last = last->next;
    last->next = chain;
    chain = more;
    ++calls;
  }
  CHECK(count == 0);
  CHECK(calls <= 3);
  CHECK(total == held.size() / 2 + 10);
  free_slot* last = chain;
  while (last->next != nullptr) last = last->next;
  f.bins.push_chain(bin64, chain, last);
  f.bins.verify(f.pages, nullptr);
  for (size_t i = 21; i < held.size(); i += 2) f.bins.push(bin64, held[i]);
  CHECK(f.collect() == 4 * 4096);
}

TEST_CASE("run_bins: collections in a random walk find each run whose slots are all free") {
  fixture f;
  random_source random{11};
  std::vector<void*> live;
  for (size_t step = 0; step < scaled(60'000); ++step) {
    bool const grows = step / 4000 % 2 == 0;
    if (live.empty() || random.one_in(3) != grows) {
      live.push_back(f.take());
      REQUIRE(live.back() != nullptr);
    } else {
      std::swap(live[random.below(live.size())], live.back());
      f.bins.push(bin64, live.back());
      live.pop_back();
    }
    if (!random.one_in(500)) continue;
    static_cast<void>(f.collect());
    std::vector<std::uintptr_t> places;
    for (void* p : live) places.push_back(reinterpret_cast<std::uintptr_t>(p) / 4096);
    std::sort(places.begin(), places.end());
    size_t const runs = static_cast<size_t>(std::unique(places.begin(), places.end()) - places.begin());
    CHECK(f.bins.carved_bytes() / 64 / slots - runs <= 1);  // the newest run may be fresh, and its other slots free
    if (step % 4 == 0) CHECK(f.bins.collect_bin(bin64, f.pages, [](bin_index, auto) {}) == 0);
  }
}
}  // namespace
