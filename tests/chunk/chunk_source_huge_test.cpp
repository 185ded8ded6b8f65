// The chunk source's huge blocks: taken, found by address, resized in place, moved, given back; what a refusal leaves.
#include <zmm/chunk/chunk_source.hpp>

#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/failing_storage.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include "../support/stop_recorder.hpp"
#include <doctest/doctest.h>
#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <map>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;
using geometry = zmm::geometry<256 * 1024, 4096>;
using source_type = zmm::detail::chunk_source<geometry>;
using zmm::detail::admission;
using zmm::detail::extent;
using zmm::detail::refusal;

constexpr size_t whole = geometry::chunk_bytes;
constexpr size_t most_tag = (size_t{1} << extent::number_bits) - 1;

void* huge(source_type& from, size_t bytes, size_t alignment = 1, size_t tag = 0) {
  admission asked;
  return from.take_huge(bytes, alignment, tag, asked);
}

TEST_CASE("chunk_source: huge blocks are whole pages of the system and at chunk boundaries") {
  checking_storage checked;
  counting_storage source{checked};
  source_type pages{source};
  std::map<char*, size_t> blocks;
  size_t total = 0;
  for (size_t alignment = 1; alignment <= 4 * whole; alignment *= 4)
    for (size_t bytes : {size_t{1}, os_page() + 1, whole, 2 * whole + 1}) {
      auto* const block = static_cast<char*>(huge(pages, bytes, alignment, (bytes + alignment) & most_tag));
      REQUIRE(block != nullptr);
      CHECK(reinterpret_cast<std::uintptr_t>(block) % std::max(alignment, whole) == 0);
      extent const e = pages.find_huge(block);
      REQUIRE(e.start == block);
      CHECK(e.bytes == round_up(bytes, os_page()));
      CHECK(e.tag == ((bytes + alignment) & most_tag));
      std::memset(block, 1, bytes);
      CHECK(pages.find(block).start != nullptr);
      CHECK(pages.find(block + e.bytes - 1).start != nullptr);
      if (e.bytes % whole != 0) CHECK(pages.find(block + e.bytes).start == nullptr);
      CHECK(pages.find_huge(block + 1).start == nullptr);
      blocks[block] = e.bytes;
      total += e.bytes;
    }
  CHECK(pages.huge_blocks() == blocks.size());
  CHECK(pages.huge_bytes() == total);
  pages.verify(nullptr);
  for (auto const& [block, bytes] : blocks) {
    pages.give_huge(block);
    CHECK(pages.find(block).start == nullptr);
    CHECK(pages.find(block + bytes - 1).start == nullptr);
  }
  CHECK(pages.huge_bytes() == 0);
  CHECK(pages.trim() > 0);  // the index's table
  CHECK(source.live() == 0);
  for (size_t bytes : {size_t{0}, ~size_t{0}, ~size_t{0} - os_page() + 2}) {
    admission asked;
    CHECK(pages.take_huge(bytes, 1, 0, asked) == nullptr);
    CHECK(asked.why == refusal::address);
  }
}

TEST_CASE("chunk_source: random huge blocks taken and resized and moved and given back") {
  checking_storage checked;
  counting_storage counted{checked};
  failing_storage source{counted};
  source.fail_one_in(5, 9);
  source_type pages{source};
  random_source random{71};
  struct block { size_t bytes, tag; };
  std::map<char*, block> blocks;
  size_t total = 0, grown = 0, shrunk = 0, moved = 0;
  for (size_t step = 0; step < scaled(4000); ++step) {
    size_t const bytes = random.between(1, 3 * whole), rounded = round_up(bytes, os_page());
    size_t const alignment = size_t{1} << random.below(21);
    admission asked;
    asked.exact = true;
    if (blocks.empty() || (blocks.size() < 20 && random.one_in(3))) {
      auto* const p = static_cast<char*>(pages.take_huge(bytes, alignment, step, asked));
      REQUIRE((p != nullptr) == (asked.why == refusal::none));
      if (p == nullptr) continue;
      blocks[p] = {rounded, step};
      total += rounded;
      std::memcpy(p, &step, sizeof step);
      p[rounded - 1] = 1;
      continue;
    }
    auto it = blocks.lower_bound(reinterpret_cast<char*>(random.next() >> 17));
    if (it == blocks.end()) it = blocks.begin();
    auto const [p, held] = *it;
    extent const e = pages.find_huge(p);
    REQUIRE(e.start == p);
    REQUIRE((e.bytes == held.bytes && e.number() == held.tag));
    REQUIRE(std::memcmp(p, &held.tag, sizeof held.tag) == 0);
    char* place = p;
    if (random.one_in(4)) {
      pages.give_huge(p);
      place = nullptr;
      total -= held.bytes;
    } else if (random.one_in(2)) {
      bool const done = pages.resize_huge(p, bytes, asked) == rounded;
      if (rounded == held.bytes) REQUIRE(done);
      if (done) total += rounded - held.bytes, ++(rounded > held.bytes ? grown : shrunk);
      if (done) it->second.bytes = rounded;
    } else if (void* const q = pages.move_huge(p, bytes, alignment, asked)) {
      REQUIRE(reinterpret_cast<std::uintptr_t>(q) % std::max(alignment, whole) == 0);
      place = static_cast<char*>(q);
      total += rounded - held.bytes;
      moved += q != p;
      it->second.bytes = rounded;
    }
    if (place != p) {
      REQUIRE(pages.find_huge(p).start == nullptr);
      block const now = it->second;
      blocks.erase(it);
      if (place != nullptr) blocks[place] = now;
    }
    if (place != nullptr) place[blocks[place].bytes - 1] = 1;
    REQUIRE(pages.huge_blocks() == blocks.size());
    REQUIRE(pages.huge_bytes() == total);
    REQUIRE(pages.book().real_size() == counted.live());
    if (step % 16 == 0) pages.verify(nullptr);
  }
  CHECK(grown > 0);
  CHECK(shrunk > 0);
  CHECK(moved > 0);
}

TEST_CASE("chunk_source: the limit counts what a huge block grows by") {
  source_type pages{zmm::os_storage()};
  size_t const page = os_page();
  char* const block = static_cast<char*>(huge(pages, 2 * whole));
  REQUIRE(pages.book().set_limit(2 * whole + page));
  for (bool move : {false, true}) {
    admission asked;
    size_t const bytes = 2 * whole + page + 1;
    CHECK((move ? pages.move_huge(block, bytes, 1, asked) == nullptr : pages.resize_huge(block, bytes, asked) == 0));
    CHECK(asked.why == refusal::limit);
    CHECK(asked.used == 2 * whole);
    CHECK(asked.limit == 2 * whole + page);
    CHECK(pages.book().real_size() == 2 * whole);
    pages.verify(nullptr);
  }
  admission asked;
  void* const place = pages.move_huge(block, 2 * whole + page, 1, asked);
  REQUIRE(place != nullptr);
  CHECK(pages.book().remaining() == 0);
  for (size_t bytes : {size_t{0}, ~size_t{0}}) {
    CHECK(pages.resize_huge(place, bytes, asked) == 0);
    CHECK(pages.move_huge(place, bytes, 1, asked) == nullptr);
  }
  CHECK(pages.huge_bytes() == 2 * whole + page);
}

// Detected: the stop handler is told the rule, and the program ends.
TEST_CASE("chunk_source: a huge block that is not there is not given back") {
  child_result const result = run_in_child([] {
    source_type pages{zmm::os_storage()};
    void* const block = huge(pages, whole);
    pages.give_huge(block);
    pages.give_huge(block);
  });
  CHECK(result.aborted);
  CHECK(result.what == "a freed huge block belongs to this heap");
}
}  // namespace
