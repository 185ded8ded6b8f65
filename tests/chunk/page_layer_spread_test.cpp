// Where the first runs of chunks lie that are spread over the sets of caches and TLB.
#include "layer_with_source.hpp"

#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <iterator>
#include <map>
#include <set>

namespace {
using namespace zmm_test;
using std::size_t;
using zmm::detail::admission;
using zmm::detail::page_entry;
using geometry = zmm::geometry<2 * 1024 * 1024, 4096>;
using layer = layer_with_source<geometry>;
using chunk = layer::chunk_type;
constexpr size_t page = geometry::page_bytes;

void* take(layer& from, size_t count, bool spreads = true) {
  admission asked;
  void* const run = from.take_pages(count, 1, asked, spreads);
  if (run != nullptr) chunk::of(run)->map[chunk::page_of(run)] = page_entry::large(count);
  return run;
}

TEST_CASE("page_layer: first runs that are spread lie at one of eight pages, each of them in turn, and what is in front is filled backwards") {
  std::set<size_t> places;
  for (int i = 0; i < 64; ++i) {
    layer pages{zmm::os_storage()};
    size_t const first = chunk::page_of(take(pages, 3));
    REQUIRE(first >= 1);
    REQUIRE(first <= 8);
    places.insert(first);
    for (size_t at = first; at > 1;) {
      size_t const next = chunk::page_of(take(pages, 1));
      REQUIRE(next == --at);
      pages.verify(nullptr);
    }
    CHECK(chunk::page_of(take(pages, 1)) == first + 3);
  }
  CHECK(places.size() == 8);
}

TEST_CASE("page_layer: runs that are spread and runs that are not are never shared, and no page is lost") {
  layer pages{zmm::os_storage()};
  random_source random{61};
  std::map<char*, size_t> out;
  size_t taken = 0;
  for (size_t step = 0; step < scaled(20000); ++step) {
    if (step % 300 == 299 && random.one_in(2)) {  // chunks become empty, and are spread anew
      for (auto const& [run, count] : out) pages.give_pages(run, count);
      out.clear();
      taken = 0;
    } else if (taken < 2000 && random.below(5) < 3) {
      size_t const count = random.between(1, random.one_in(4) ? 100 : 8);
      auto* const run = static_cast<char*>(take(pages, count, random.one_in(2)));
      REQUIRE(run != nullptr);
      auto const behind = out.lower_bound(run);
      REQUIRE((behind == out.end() || run + count * page <= behind->first));
      REQUIRE((behind == out.begin() || std::prev(behind)->first + std::prev(behind)->second * page <= run));
      out[run] = count;
      taken += count;
    } else if (!out.empty()) {
      auto const it = std::next(out.begin(), static_cast<std::ptrdiff_t>(random.below(out.size())));
      pages.give_pages(it->first, it->second);
      taken -= it->second;
      out.erase(it);
    }
    if (step % 8 == 0) pages.verify(nullptr);
  }
  for (auto const& [run, count] : out) pages.give_pages(run, count);
  CHECK(pages.chunks() == 0);
}
}  // namespace
