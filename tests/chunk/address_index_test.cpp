// The index of extents by address, against std::map. Its keys are addresses that nothing lies at: it never reads them.
#include <zmm/chunk/address_index.hpp>

#include "../support/checking_storage.hpp"
#include "../support/counting_storage.hpp"
#include "../support/failing_storage.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <algorithm>
#include <iterator>
#include <map>

namespace {
using namespace zmm_test;
using std::size_t;
using geometry = zmm::geometry<256 * 1024, 4096>;
using index = zmm::detail::address_index<geometry>;
using zmm::detail::admission;
using zmm::detail::extent;
using zmm::detail::ledger;
using zmm::detail::refusal;

constexpr size_t piece = geometry::chunk_bytes;

void* at(std::uintptr_t address) { return reinterpret_cast<void*>(address); }
std::uintptr_t address_of(extent const& e) { return reinterpret_cast<std::uintptr_t>(e.start); }

// An index with what it is charged to and a model of it.
struct fixture {
  checking_storage checked;
  counting_storage counted{checked};
  failing_storage source{counted};
  ledger book;
  index extents;
  std::map<std::uintptr_t, size_t> model;  // address to tag

  ~fixture() {
    extents.erase_if([](extent const&) { return true; });
    (void)extents.trim(source, book);
  }

  admission insert(std::uintptr_t address, size_t tag) {
    admission asked;
    if (extents.make_room(source, book, 0, asked)) {
      extents.insert({at(address), piece, piece, tag});
      model[address] = tag;
    }
    return asked;
  }
  void erase(std::uintptr_t address) {
    extents.erase(extents.find(at(address)));
    model.erase(address);
  }
  void compare() {
    extents.verify(nullptr);
    REQUIRE(extents.count() == model.size());
    for (auto const& [address, tag] : model) {
      extent const* const found = extents.find(at(address));
      REQUIRE(found != nullptr);
      REQUIRE(address_of(*found) == address);
      REQUIRE(found->tag == tag);
    }
    size_t visited = 0;
    extents.for_each([&](extent const& e) { visited += model.count(address_of(e)); });
    REQUIRE(visited == model.size());
    REQUIRE(book.real_size() == extents.table_bytes());
    REQUIRE(counted.live() == extents.table_bytes());
  }
};

// Neighbours as a system maps them, and strangers far off.
std::uintptr_t random_address(random_source& random, size_t range) {
  if (sizeof(void*) < 8) return random.between(1, 2046) * piece;  // all there are
  return (random.one_in(4) ? static_cast<std::uintptr_t>(std::uint64_t{1} << 46) - random.between(1, range) * 977 : random.between(1, range)) * piece;
}

TEST_CASE("address_index: random inserts and erases and finds") {
  fixture f;
  random_source random{11};
  size_t target = 5, largest = 0, trims = 0;
  for (size_t step = 0; step < scaled(40000); ++step) {
    if (step % 500 == 0) target = random.one_in(2) ? random.below(12) : random.below(600);
    std::uintptr_t const address = random_address(random, 800);
    auto const known = f.model.find(address);
    extent const* const found = f.extents.find(at(address + random.below(piece)));
    if (known == f.model.end()) {
      REQUIRE(found == nullptr);
      if (f.model.size() < target) REQUIRE(f.insert(address, step).why == refusal::none);
    } else {
      REQUIRE(found != nullptr);
      REQUIRE(found->tag == known->second);
    }
    if (f.model.size() > target) {
      auto victim = f.model.lower_bound(random_address(random, 800));
      f.erase(victim == f.model.end() ? f.model.begin()->first : victim->first);
    }
    if (step % 200 == 0) f.compare();
    if (random.one_in(400)) {
      size_t const held = f.extents.table_bytes(), got = f.extents.trim(f.source, f.book);
      REQUIRE((got == 0 || got == held));
      REQUIRE(held - got == f.extents.table_bytes());
      if (f.model.size() <= 6) REQUIRE(f.extents.table_bytes() == 0);
      trims += got != 0;
      f.compare();
    }
    largest = std::max(largest, f.extents.table_bytes());
  }
  if (os_page() <= 16384) CHECK(largest >= 2 * os_page());  // a larger page has room for all of it
  CHECK(trims > 0);
}

TEST_CASE("address_index: the null page and what lies behind an extent's first piece are found to be no one's") {
  fixture f;
  CHECK(f.extents.find(nullptr) == nullptr);
  CHECK(f.extents.find(at(1)) == nullptr);
  for (std::uintptr_t i = 1; i <= 6; ++i) REQUIRE(f.insert(2 * i * piece, i).why == refusal::none);
  for (std::uintptr_t i = 1; i <= 6; ++i) {
    CHECK(f.extents.find(at((2 * i + 1) * piece - 1)) == f.extents.find(at(2 * i * piece)));
    CHECK(f.extents.find(at((2 * i + 1) * piece)) == nullptr);
    CHECK(f.extents.find(at(2 * i * piece - 1)) == nullptr);
  }
  CHECK(f.extents.find(nullptr) == nullptr);
  CHECK(f.extents.find(at(piece - 1)) == nullptr);
}

TEST_CASE("address_index: six extents lie in the object and more in a table that doubles") {
  fixture f;
  size_t const first_places = os_page() / sizeof(extent);
  for (std::uintptr_t i = 1; i <= 2 * first_places; ++i) {
    REQUIRE(f.insert(i * piece, i).why == refusal::none);
    size_t expected = os_page();
    if (i <= 6) expected = 0;
    while (expected != 0 && i * 4 > expected / sizeof(extent) * 3) expected *= 2;
    REQUIRE(f.extents.table_bytes() == expected);
    REQUIRE(f.book.real_size() == expected);
  }
  CHECK(f.counted.allocations == 3);
  CHECK(f.counted.deallocations == 2);
  CHECK(f.book.real_peak() == 6 * os_page());  // the old table lives until all have moved
  f.compare();

  for (std::uintptr_t i = 2 * first_places; i > 7; --i) f.erase(i * piece);
  CHECK(f.extents.trim(f.source, f.book) == 0);  // seven do not fit into the object
  CHECK(f.extents.table_bytes() == 4 * os_page());
  f.erase(7 * piece);
  CHECK(f.extents.trim(f.source, f.book) == 4 * os_page());
  CHECK(f.extents.trim(f.source, f.book) == 0);
  f.compare();
  CHECK(f.counted.live() == 0);
}

TEST_CASE("address_index: erase_if asks about each extent once and erases what it is told to") {
  random_source random{23};
  fixture f;
  // Six of eight places make clusters that reach round the end; hundreds make long ones.
  for (size_t round = 0; round < scaled(3000); ++round) {
    size_t const count = round % 100 == 0 ? random.between(50, 400) : random.between(0, 6);
    while (f.model.size() < count) {
      std::uintptr_t const address = random_address(random, 100000);
      if (f.model.count(address) == 0) REQUIRE(f.insert(address, random.below(4)).why == refusal::none);
    }
    std::map<std::uintptr_t, size_t> asked;
    size_t const leaving = random.below(5);  // 4: none leaves
    f.extents.erase_if([&](extent const& e) {
      ++asked[address_of(e)];
      return e.tag == leaving;
    });
    REQUIRE(asked.size() == f.model.size());
    for (auto const& [address, times] : asked) {
      REQUIRE(times == 1);
      REQUIRE(f.model.count(address) == 1);
    }
    for (auto each = f.model.begin(); each != f.model.end();) each = each->second == leaving ? f.model.erase(each) : std::next(each);
    f.compare();
    if (random.one_in(2)) {
      f.extents.erase_if([](extent const&) { return true; });
      f.model.clear();
      (void)f.extents.trim(f.source, f.book);
      f.compare();
    }
  }
}

TEST_CASE("address_index: a limit or a storage that refuses the table changes nothing") {
  fixture f;
  for (std::uintptr_t i = 1; i <= 6; ++i) REQUIRE(f.insert(i * piece, i).why == refusal::none);
  f.book.add(1000);  // what its owner holds
  REQUIRE(f.book.set_limit(1000 + os_page() - 1));
  admission const limited = f.insert(7 * piece, 7);
  CHECK(limited.why == refusal::limit);
  CHECK(limited.used == 1000);
  CHECK(limited.limit == 1000 + os_page() - 1);
  CHECK(f.counted.allocations == 0);

  f.source.fail_call(1);
  admission lifted;
  lifted.lifted = true;
  CHECK_FALSE(f.extents.make_room(f.source, f.book, 0, lifted));
  CHECK(lifted.why == refusal::storage);
  CHECK(lifted.needed == os_page());
  CHECK(lifted.alignment == os_page());
  CHECK(f.book.real_size() == 1000);
  CHECK(f.book.real_peak() == 1000);

  CHECK(f.extents.make_room(f.source, f.book, 0, lifted));  // the second call is served
  CHECK(f.book.real_size() == 1000 + os_page());
  f.book.subtract(1000);
  f.compare();

  // From a table to a larger one likewise.
  REQUIRE(f.book.set_limit(ledger::no_limit));
  std::uintptr_t next = 7;
  for (; (next * 4) * sizeof(extent) <= os_page() * 3; ++next) REQUIRE(f.insert(next * piece, next).why == refusal::none);
  f.source.fail_from_call(1);
  for (int i = 0; i < 3; ++i) {
    admission const refused = f.insert(next * piece, next);
    CHECK(refused.why == refusal::storage);
    CHECK(refused.needed == 2 * os_page());
    f.compare();
  }
  f.source.disarm();
  CHECK(f.insert(next * piece, next).why == refusal::none);
  f.compare();
}
}  // namespace
