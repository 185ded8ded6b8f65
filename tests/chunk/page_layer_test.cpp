// The page layer by itself: pages taken, given back and extended against a model of every page; which chunk a run comes
// from; what a refusal leaves behind; what verify() notices.
#include "layer_with_source.hpp"

#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/failing_storage.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include "../support/stop_recorder.hpp"
#include <doctest/doctest.h>
#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;
using geometry = zmm::geometry<256 * 1024, 4096>;
using layer = layer_with_source<geometry>;
using chunk = layer::chunk_type;
using zmm::detail::admission;
using zmm::detail::page_entry;
using zmm::detail::refusal;

constexpr size_t page = geometry::page_bytes;
constexpr size_t usable = zmm::detail::usable_pages<geometry>;

std::uintptr_t address_of(void const* p) { return reinterpret_cast<std::uintptr_t>(p); }

// Takes pages and marks them, as the layer's callers do.
void* take(layer& from, size_t count, size_t alignment = 1) {
  admission asked;
  void* const run = from.take_pages(count, alignment, asked);
  if (run != nullptr) chunk::of(run)->map[chunk::page_of(run)] = page_entry::large(count);
  return run;
}

TEST_CASE("page_layer: what fits a chunk fits whatever lies at the start of it") {
  CHECK(usable == 63);
  CHECK(layer::fits_chunk(1, 1));
  CHECK(layer::fits_chunk(usable, 1));
  CHECK_FALSE(layer::fits_chunk(usable + 1, 1));
  CHECK(layer::fits_chunk(32, 32));
  CHECK_FALSE(layer::fits_chunk(33, 32));
  CHECK_FALSE(layer::fits_chunk(1, 64));
  CHECK_FALSE(layer::fits_chunk(~size_t{0}, 1));
  CHECK_FALSE(layer::fits_chunk(1, ~size_t{0} / 2 + 1));
  CHECK_FALSE(layer::fits_chunk(2, ~size_t{0}));
}

// Every run of pages that is out, by its address.
class model {
public:
  std::map<std::uintptr_t, size_t> runs;

  size_t free_behind(std::uintptr_t run) const {
    auto const next = runs.upper_bound(run);
    std::uintptr_t const chunk_end = (run | (geometry::chunk_bytes - 1)) + 1, end = run + runs.at(run) * page;
    return (std::min(chunk_end, next == runs.end() ? chunk_end : next->first) - end) / page;
  }
  bool is_free(std::uintptr_t first, size_t count) const {
    auto const next = runs.lower_bound(first);
    if (next != runs.end() && next->first < first + count * page) return false;
    return next == runs.begin() || std::prev(next)->first + std::prev(next)->second * page <= first;
  }
  size_t chunks() const {
    std::set<std::uintptr_t> seen;
    for (auto const& [run, count] : runs) seen.insert(run / geometry::chunk_bytes);
    return seen.size();
  }
};

TEST_CASE("page_layer: random runs taken and extended and given back are never shared") {
  checking_storage checked;
  counting_storage source{checked};
  layer pages{source};
  model out;
  random_source random{53};
  size_t target = 10, extended = 0, refused = 0;
  for (size_t step = 0; step < scaled(20000); ++step) {
    if (step % 500 == 0) target = random.below(random.one_in(3) ? 200 : 20);
    if (out.runs.size() < target ? !random.one_in(4) : random.one_in(4)) {
      size_t const alignment = random.one_in(3) ? size_t{1} << random.below(6) : 1;
      size_t const count = random.between(1, random.one_in(5) ? usable + 1 - alignment : std::min<size_t>(8, usable + 1 - alignment));
      bool const room = pages.source().cached_chunks() != 0 || pages.has_gap(count);
      size_t const before = source.allocations;
      void* const run = take(pages, count, alignment);
      REQUIRE(run != nullptr);
      if (alignment == 1 && room) REQUIRE(source.allocations == before);
      REQUIRE(address_of(run) % (alignment * page) == 0);
      REQUIRE(address_of(run) % geometry::chunk_bytes != 0);
      REQUIRE(out.is_free(address_of(run), count));
      REQUIRE(pages.source().find(run).is_chunk());
      REQUIRE(pages.source().find_huge(run).start == nullptr);
      static_cast<char*>(run)[0] = static_cast<char*>(run)[count * page - 1] = 1;
      out.runs[address_of(run)] = count;
    } else if (!out.runs.empty()) {
      auto const it = std::next(out.runs.begin(), static_cast<std::ptrdiff_t>(random.below(out.runs.size())));
      void* const run = reinterpret_cast<void*>(it->first);
      size_t const behind = out.free_behind(it->first);
      REQUIRE(pages.free_behind(run, it->second) == behind);
      if (size_t const more = random.between(1, 6); random.one_in(3)) {
        bool const done = pages.extend_pages(run, it->second, more);
        REQUIRE(done == (more <= behind));
        it->second += done ? more : 0;
        ++(done ? extended : refused);
      } else if (it->second > 1 && random.one_in(3)) {  // the tail of a run
        size_t const left = random.between(1, it->second - 1);
        pages.give_pages(zmm::detail::offset(run, left * page), it->second - left);
        it->second = left;
      } else {
        pages.give_pages(run, it->second);
        out.runs.erase(it);
      }
    }
    REQUIRE(pages.chunks() == out.chunks());
    REQUIRE(pages.book().real_size() == source.live());
    if (step % 16 == 0) pages.verify(nullptr);
  }
  CHECK(extended > 100);
  CHECK(refused > 100);
  for (auto const& [run, count] : out.runs) pages.give_pages(reinterpret_cast<void*>(run), count);
  pages.verify(nullptr);
  CHECK(pages.chunks() == 0);
}

TEST_CASE("page_layer: a run comes from the smallest gap that holds it") {
  counting_storage source;
  layer pages{source};
  std::vector<void*> runs;
  for (size_t count : {size_t{5}, size_t{1}, size_t{3}, size_t{1}, size_t{8}, size_t{1}}) runs.push_back(take(pages, count));
  for (size_t i : {size_t{0}, size_t{2}, size_t{4}}) pages.give_pages(runs[i], i == 0 ? 5 : i == 2 ? 3 : 8);
  CHECK(take(pages, 3) == runs[2]);
  CHECK(take(pages, 4) == runs[0]);
  CHECK(take(pages, 4, 4) == zmm::detail::offset(runs[4], (4 - chunk::page_of(runs[4]) % 4) % 4 * page));
  // A second chunk is taken when the first has no gap, and the fuller of two serves what fits in both.
  void* const rest = take(pages, 44);
  CHECK(chunk::of(rest) == chunk::of(runs[1]));
  void* const next = take(pages, 40);
  CHECK(chunk::of(next) != chunk::of(rest));
  CHECK(pages.chunks() == 2);
  CHECK(chunk::of(take(pages, 1)) == chunk::of(rest));
  pages.verify(nullptr);
}

TEST_CASE("page_layer: empty chunks that are kept wait for retire_empty") {
  counting_storage source;
  layer pages{source};
  std::vector<void*> runs;
  for (int i = 0; i < 5; ++i) runs.push_back(take(pages, usable));
  for (void* run : runs) pages.give_pages(run, usable, true);
  CHECK(pages.chunks() == 5);
  CHECK(pages.cached_chunks() == 0);
  size_t const before = pages.book().real_size();
  size_t const freed = pages.retire_empty();
  CHECK(freed == 3 * geometry::chunk_bytes);  // two are cached: beside each is one, the average
  CHECK(pages.book().real_size() == before - freed);
  CHECK(pages.chunks() == 0);
  CHECK(pages.cached_chunks() == 2);
  CHECK(pages.retire_empty() == 0);
  CHECK(source.live() == pages.book().real_size());
  pages.verify(nullptr);
}

TEST_CASE("page_layer: a limit that refuses a chunk says so and changes nothing") {
  counting_storage source;
  layer pages{source};
  REQUIRE(pages.book().set_limit(geometry::chunk_bytes));
  REQUIRE(take(pages, 40) != nullptr);
  admission asked;
  CHECK(pages.take_pages(24, 1, asked) == nullptr);
  CHECK(asked.why == refusal::limit);
  CHECK(asked.used == geometry::chunk_bytes);
  CHECK(asked.limit == geometry::chunk_bytes);
  CHECK(pages.chunks() == 1);
  CHECK(source.allocations == 1);
  pages.verify(nullptr);
  CHECK(take(pages, 23) != nullptr);  // the chunk's last pages are there still
  asked.lifted = true;
  CHECK(pages.take_pages(24, 1, asked) != nullptr);
  CHECK(pages.book().real_size() == 2 * geometry::chunk_bytes);
}

TEST_CASE("page_layer: whichever call of storage fails nothing is changed") {
  // The seventh extent is the first that needs a table: two calls for one chunk.
  for (size_t call : {size_t{1}, size_t{2}}) {
    checking_storage checked;
    counting_storage counted{checked};
    failing_storage source{counted};
    layer pages{source};
    for (int i = 0; i < 6; ++i) REQUIRE(take(pages, usable) != nullptr);
    source.fail_call(call);
    admission asked;
    CHECK(pages.take_pages(1, 1, asked) == nullptr);
    CHECK(asked.why == refusal::storage);
    CHECK(asked.needed == (call == 1 ? geometry::chunk_bytes : os_page()));
    CHECK(source.failures() == 1);
    CHECK(pages.chunks() == 6);
    CHECK(pages.book().real_size() == 6 * geometry::chunk_bytes);
    CHECK(counted.live() == 6 * geometry::chunk_bytes);
    pages.verify(nullptr);
    source.disarm();
    CHECK(take(pages, 1) != nullptr);
    CHECK(pages.book().real_size() == 7 * geometry::chunk_bytes + os_page());
    CHECK(counted.live() == pages.book().real_size());
    pages.verify(nullptr);
  }
}

// Detected: the stop handler is told the rule, and the program ends.
TEST_CASE("page_layer: verify notices what is broken") {
  struct damage { char const* rule; void (*apply)(chunk&); };
  damage const damages[] = {
      {"a chunk counts its free pages", [](chunk& c) { ++c.free_pages; }},
      {"a chunk knows its longest gap", [](chunk& c) { --c.longest; }},
      {"a chunk's header pages are taken", [](chunk& c) { c.taken.clear(0, 1), ++c.free_pages; }},
      {"a taken page is dirty", [](chunk& c) { c.dirty.clear(1, 1); }},
      {"a free page has no entry in the map", [](chunk& c) { c.map[60] = page_entry::large(1); }},
      {"a chunk in use belongs to its heap", [](chunk& c) { c.owner = nullptr; }},
  };
  for (damage const& each : damages) {
    child_result const result = run_in_child([&] {
      layer pages{zmm::os_storage()};
      void* const run = take(pages, 3);
      pages.verify(nullptr);
      each.apply(*chunk::of(run));
      pages.verify(nullptr);
    });
    CHECK(result.aborted);
    CHECK(result.what == each.rule);
  }
}
}  // namespace
