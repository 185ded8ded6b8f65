// The page layer's dealings in whole chunks: caching, giving back, purging, the end of a request.
#include "layer_with_source.hpp"

#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/failing_storage.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;
// Pages as large as an operating system's may be: whatever is free can be purged.
using geometry = zmm::geometry<1024 * 1024, 65536>;
using layer = layer_with_source<geometry>;
using chunk = layer::chunk_type;
using zmm::detail::admission;
using zmm::detail::offset;

constexpr size_t page = geometry::page_bytes;
constexpr size_t whole = geometry::chunk_bytes;
constexpr size_t usable = zmm::detail::usable_pages<geometry>;

void* take(layer& from, size_t count) {
  admission asked;
  return from.take_pages(count, 1, asked);
}

TEST_CASE("page_layer: trim gives the memory behind the same free pages back once") {
  counting_storage source;
  layer pages{source};
  CHECK(pages.trim() == 0);
  void* const first = take(pages, 4);
  void* const middle = take(pages, 5);
  void* const last = take(pages, 3);
  CHECK(pages.trim() == 0);  // the three pages behind were never used
  pages.give_pages(middle, 5);
  CHECK(pages.trim() == 5 * page);
  CHECK(pages.trim() == 0);
  CHECK(take(pages, 5) == middle);
  pages.give_pages(middle, 5);
  CHECK(pages.trim() == 5 * page);
  pages.give_pages(offset(first, page), 3);  // joins what was purged before
  CHECK(pages.trim() == 3 * page);
  CHECK(take(pages, 2) == offset(last, 3 * page));  // best fit: of the gaps of three and eight
  pages.give_pages(offset(last, 3 * page), 2);
  pages.give_pages(last, 3);
  CHECK(pages.trim() == 5 * page);
  CHECK(pages.trim() == 0);
  CHECK(source.purged == 18 * page);
  pages.verify(nullptr);
  CHECK(pages.book().real_size() == whole);  // addresses stay
}

TEST_CASE("page_layer: what storage would not purge is offered again") {
  counting_storage counted;
  failing_storage source{counted};
  layer pages{source};
  void* const kept = take(pages, 1);
  void* const run = take(pages, 6);
  pages.give_pages(run, 6);
  source.fail_call(1);
  CHECK(pages.trim() == 0);
  CHECK(source.failures() == 1);
  CHECK(pages.trim() == 6 * page);
  CHECK(pages.trim() == 0);
  pages.give_pages(kept, 1);
}

// Knows which pages were handed out since they came from storage or were purged.
class dirt_storage final : public zmm::storage {
public:
  std::set<char*> dirty;

  void* allocate(size_t bytes, size_t alignment, size_t reserve) override { return below_.allocate(bytes, alignment, reserve); }
  void deallocate(void* p, size_t bytes, size_t reserve) noexcept override {
    forget(static_cast<char*>(p), bytes);
    below_.deallocate(p, bytes, reserve);
  }
  bool purge(void* p, size_t bytes) noexcept override {
    if (forget(static_cast<char*>(p), bytes) * page != bytes) FAIL_CHECK("purged what nobody used since");
    return below_.purge(p, bytes);
  }

private:
  size_t forget(char* first, size_t bytes) {
    auto const from = dirty.lower_bound(first), to = dirty.lower_bound(first + bytes);
    auto const count = static_cast<size_t>(std::distance(from, to));
    dirty.erase(from, to);
    return count;
  }

  checking_storage below_;
};

TEST_CASE("page_layer: trim in a random walk returns each dirty free page once") {
  dirt_storage source;
  layer pages{source};
  random_source random{61};
  std::map<char*, size_t> runs;
  size_t won = 0;
  for (size_t step = 0; step < scaled(5000); ++step) {
    if (runs.size() < 12 ? !random.one_in(3) : random.one_in(3)) {
      size_t const count = random.between(1, 6);
      char* const run = static_cast<char*>(take(pages, count));
      runs[run] = count;
      for (size_t i = 0; i < count; ++i) source.dirty.insert(run + i * page);
    } else if (!runs.empty()) {
      auto const it = std::next(runs.begin(), static_cast<std::ptrdiff_t>(random.below(runs.size())));
      pages.give_pages(it->first, it->second);
      runs.erase(it);
    }
    if (!random.one_in(20)) continue;

    size_t expected = 0;  // dirty pages that no run holds, of chunks that some run lies in; other chunks go back whole
    for (char* each : source.dirty) {
      auto const behind = runs.upper_bound(each);
      bool const taken = behind != runs.begin() && std::prev(behind)->first + std::prev(behind)->second * page > each;
      bool const in_use = std::any_of(runs.begin(), runs.end(), [&](auto const& r) { return chunk::of(r.first) == chunk::of(each); });
      if (in_use && !taken) expected += page;
    }
    won += expected;
    size_t const index_bytes = pages.book().real_size() - (pages.chunks() + pages.cached_chunks()) * whole;
    expected += pages.cached_chunks() * whole + (pages.chunks() <= 6 ? index_bytes : 0);
    REQUIRE(pages.trim() == expected);
    REQUIRE(pages.trim() == 0);
    REQUIRE(pages.cached_chunks() == 0);
    pages.verify(nullptr);
  }
  CHECK(won > 0);
}

TEST_CASE("page_layer: of an empty chunk and the last cached one the younger goes back") {
  for (size_t given : {size_t{0}, size_t{5}}) {
    counting_storage source;
    layer pages{source};
    void* runs[6];
    for (void*& run : runs) run = take(pages, usable);
    for (int i = 0; i < 10; ++i) pages.end_request();  // nearly 6 on average
    for (size_t i : {size_t{4}, size_t{3}}) pages.give_pages(runs[i], usable);
    REQUIRE(pages.cached_chunks() == 2);
    for (int i = 0; i < 10; ++i) pages.end_request();  // nearly 4: two may stay, but beside three in use no third
    REQUIRE(pages.cached_chunks() == 2);

    size_t const before = pages.book().real_size();
    pages.give_pages(runs[given], usable);
    CHECK(pages.book().real_size() == before - whole);
    CHECK(source.live() == before - whole);
    CHECK(pages.chunks() == 3);
    CHECK(pages.cached_chunks() == 2);
    pages.verify(nullptr);
    // Either 0 stays in place of 3, or 3 stays.
    CHECK(take(pages, usable) == runs[given == 0 ? 0 : 3]);
    CHECK(take(pages, usable) == runs[4]);
  }
}

TEST_CASE("page_layer: release keeps the oldest chunk and as many as the average says") {
  checking_storage checked;
  counting_storage source{checked};
  layer pages{source};
  void* const oldest = chunk::of(take(pages, usable));
  for (int i = 0; i < 7; ++i) (void)take(pages, usable);
  admission asked;
  for (int i = 0; i < 3; ++i) REQUIRE(pages.take_huge(3 * whole, 1, 0, asked) != nullptr);
  pages.release();  // (1 + 8) / 2 = 4.5: three cached, as 3.9 is not above it
  CHECK(pages.chunks() == 1);
  CHECK(pages.cached_chunks() == 3);
  CHECK(pages.huge_blocks() == 0);
  CHECK(pages.huge_bytes() == 0);
  CHECK(source.live() == pages.book().real_size());
  pages.verify(nullptr);
  CHECK(chunk::of(take(pages, usable)) == oldest);
  pages.release();  // 2.75
  CHECK(pages.cached_chunks() == 1);
  pages.release();
  CHECK(pages.cached_chunks() == 0);
  CHECK(pages.drop_cached() == 0);
  pages.verify(nullptr);
}

}  // namespace
