// Slots that are listed before somebody asks for them: only where something is freed, none lost, none handed out twice.
#include <zmm/zmm.hpp>

#include "../support/engines.hpp"
#include "../support/random.hpp"
#include "../support/stop_recorder.hpp"
#include <doctest/doctest.h>
#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

namespace {
using namespace zmm::detail;
using zmm_test::random_source;
using zmm_test::stop_of;
using std::size_t;

std::vector<bin_index> all_bins() {
  std::vector<bin_index> bins;
  for (std::uint8_t i = 0; i < most_bins; ++i) bins.push_back(bin_index{i});
  return bins;
}

/// A run of a bin, over memory of its own.
struct run_of {
  explicit run_of(bin_index bin, size_t slots) : memory(slots * slot_bytes(bin) / sizeof(size_t)) {
    run.open(memory.data(), bin, slots, 0);
  }
  std::vector<size_t> memory;
  bump_run run;
};

TEST_CASE("slots_ahead: a run's slots come off the list in the order of addresses, each once") {
  for (bin_index const bin : all_bins()) {
    CAPTURE(slot_bytes(bin));
    for (size_t const slots : {size_t{1}, size_t{2}, size_t{15}, size_t{16}, size_t{17}, size_t{100}}) {
      run_of of(bin, slots);
      plain_links links;
      free_slot* list = nullptr;
      char* expected = of.run.place();
      size_t listings = 0;
      while (!of.run.empty()) {
        size_t const before = of.run.left(slot_bytes(bin));
        CHECK(take_ahead(links, of.run, bin, list) == expected);
        expected += slot_bytes(bin);
        while (void* const slot = links.pop(list, bin, 0)) {
          CHECK(slot == expected);
          expected += slot_bytes(bin);
        }
        size_t const taken = before - of.run.left(slot_bytes(bin));
        CHECK((taken == slots_at_once(bin) || of.run.empty()));
        CHECK((taken == 1 || taken * slot_bytes(bin) <= 1024));
        ++listings;
      }
      CHECK(expected == reinterpret_cast<char*>(of.memory.data()) + slots * slot_bytes(bin));
      CHECK(listings == (slots + slots_at_once(bin) - 1) / slots_at_once(bin));
    }
  }
}

TEST_CASE("slots_ahead: what is on the list already stays behind them") {
  bin_index const bin{7};
  run_of of(bin, 40);
  plain_links links;
  free_slot* list = nullptr;
  char old[64];
  links.push(list, bin, old);
  static_cast<void>(take_ahead(links, of.run, bin, list));
  size_t count = 0;
  void* last = nullptr;
  while (void* const slot = links.pop(list, bin, 0)) ++count, last = slot;
  CHECK(count == most_ahead);
  CHECK(last == old);
}

TEST_CASE_TEMPLATE("slots_ahead: a run that is stopped hands out as many slots first as it was told", Run, bump_run, started_run,
                   segmented_run<true, false>, segmented_run<false, true>) {
  bin_index const bin{7};
  std::vector<size_t> memory(64 * 64 / sizeof(size_t));
  for (size_t const first : {0u, 1u, 8u, 63u, 64u, 200u}) {
    Run run;
    CHECK(run.is_stopped());  // it is empty
    run.open(memory.data(), bin, 64, 12345);
    run.stop_after(64, first);
    std::set<char*> seen;
    while (!run.is_stopped()) seen.insert(run.take(64));
    CHECK(seen.size() == std::min<size_t>(first, 64));
    CHECK(run.empty() == (first >= 64));
    run.run_on();
    while (!run.is_stopped()) seen.insert(run.take(64));
    CHECK(seen.size() == 64);
    CHECK(run.empty());
  }
}

/// Whether blocks of 48 bytes are listed ahead: one that nobody has got yet holds a link to the next. The last of 400 is in the
/// middle of a run, which has 85.
template <class Heap> bool lists_ahead(Heap& heap) {
  char* last = nullptr;
  for (int i = 0; i < 400; ++i) last = static_cast<char*>(heap.allocate(48, 8));
  char* const next = last + 48;
  std::uintptr_t link = 0;
  std::memcpy(&link, next, sizeof link);
  return link == reinterpret_cast<std::uintptr_t>(next) + 48;
}

TEST_CASE("slots_ahead: a heap lists slots once it is seen to free, and begins anew at its release") {
  if (under_sanitizer) return;  // the slot behind may not be read
  zmm::heap heap;
  CHECK_FALSE(lists_ahead(heap));
  heap.release();
  std::vector<void*> others;
  for (int i = 0; i < 2000; ++i) others.push_back(heap.allocate(64, 8));
  for (void* p : others) heap.deallocate(p, 64, 8);
  for (int i = 0; i < 2000; ++i) static_cast<void>(heap.allocate(96, 8));  // twice as much is carved, so it looks
  CHECK(lists_ahead(heap));
  heap.verify();
  heap.release();
  CHECK_FALSE(lists_ahead(heap));
}

TEST_CASE("slots_ahead: a thread has slots of a bin listed once it has freed one, and none before") {
  if (under_sanitizer) return;
  zmm::synchronized_heap heap;
  CHECK_FALSE(lists_ahead(heap));
  void* const one = heap.allocate(48, 8);
  heap.deallocate(one, 48, 8);
  CHECK(lists_ahead(heap));
  heap.verify();
}

TEST_CASE_TEMPLATE("slots_ahead: figures, collections and the blocks themselves are right where slots are listed", Heap, zmm::heap,
                   zmm::checked_heap, zmm::hardened_heap, zmm::synchronized_heap, zmm::checked_synchronized_heap,
                   zmm::thread_heap) {
  Heap heap;
  random_source random{17};
  struct block { unsigned char* start; size_t bytes; unsigned char fill; };
  std::vector<block> live;
  size_t const live_before = heap.stats().live_blocks;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 30'000; ++i) {
      if (!live.empty() && random.below(3) == 0) {
        std::swap(live[random.below(live.size())], live.back());
        block const b = live.back();
        live.pop_back();
        REQUIRE(std::all_of(b.start, b.start + b.bytes, [&](unsigned char c) { return c == b.fill; }));
        heap.deallocate(b.start, b.bytes, 8);
        continue;
      }
      size_t const bytes = 8 + random.below(random.below(10) == 0 ? 700 : 100);
      auto* const start = static_cast<unsigned char*>(heap.allocate(bytes, 8));
      auto const fill = static_cast<unsigned char>(random.below(256));
      std::memset(start, fill, bytes);
      live.push_back({start, bytes, fill});
    }
    heap.verify();
    CHECK(heap.stats().live_blocks - live_before == live.size());
    if (round == 1) {
      static_cast<void>(heap.collect());
      heap.verify();
      CHECK(heap.stats().live_blocks - live_before == live.size());
    }
  }
  for (block const& b : live) heap.deallocate(b.start, b.bytes, 8);
  CHECK(heap.stats().live_blocks == live_before);
  static_cast<void>(heap.collect());
  static_cast<void>(heap.trim());
  heap.verify();
  CHECK(heap.stats().size == 0);
}

/// Brings the heap to where blocks of 48 bytes are listed ahead. Returns: the first slot that is listed.
char* listed_slot(zmm::checked_heap& heap) {
  std::vector<void*> others;
  for (int i = 0; i < 2000; ++i) others.push_back(heap.allocate(64, 8));
  for (void* p : others) heap.deallocate(p, 64, 8);
  for (int i = 0; i < 2000; ++i) static_cast<void>(heap.allocate(96, 8));
  char* last = nullptr;
  for (int i = 0; i < 400; ++i) last = static_cast<char*>(heap.allocate(48, 8));
  return last + 48;
}
char* listed_slot(zmm::checked_synchronized_heap& heap) {
  heap.deallocate(heap.allocate(48, 8), 48, 8);
  char* last = nullptr;
  for (int i = 0; i < 800; ++i) last = static_cast<char*>(heap.allocate(48, 8));
  return last + 48;
}

TEST_CASE_TEMPLATE("slots_ahead: a checked heap stops a free of a slot that is listed and was never handed out", Heap,
                   zmm::checked_heap, zmm::checked_synchronized_heap) {
  if (under_sanitizer) return;
  {
    Heap heap;
    char* const slot = listed_slot(heap);
    CHECK(heap.allocate(48, 8) == slot);  // it is the next one
    std::uintptr_t link = 0;
    std::memcpy(&link, slot + 48, sizeof link);
    CHECK(link == reinterpret_cast<std::uintptr_t>(slot) + 96);  // and the one behind it is listed
  }
  CHECK(stop_of<Heap>([](Heap& heap) { heap.deallocate(listed_slot(heap), 48, 8); }) == "a freed block is live");
}
}  // namespace
