// The table of watched blocks next to a std::map.
#include <zmm/watch/block_table.hpp>

#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <cstdint>
#include <doctest/doctest.h>
#include <iterator>
#include <map>

namespace {
using namespace zmm_test;
using std::size_t;
using zmm::detail::block_table;
using zmm::detail::watched_block;

watched_block block_at(std::uintptr_t address, std::uint64_t number) {
  watched_block b{};
  b.key = ~address;
  b.number = number;
  return b;
}
void const* pointer(std::uintptr_t address) { return reinterpret_cast<void const*>(address); }

// Everything the model has is found and visited once, and nothing else is.
void compare(block_table const& table, std::map<std::uintptr_t, std::uint64_t> const& model) {
  CHECK(table.count() == model.size());
  bool right = true;
  for (auto const& [address, number] : model) {
    watched_block const* const b = table.find(pointer(address));
    right = right && b != nullptr && b->start() == pointer(address) && b->number == number;
    right = right && (model.count(address + 8) != 0 || table.find(pointer(address + 8)) == nullptr);
  }
  size_t visited = 0;
  table.for_each([&](watched_block const& b) {
    ++visited;
    auto const found = model.find(~b.key);
    right = right && found != model.end() && found->second == b.number;
  });
  CHECK(right);
  CHECK(visited == model.size());
}

TEST_CASE("block_table: there is nothing in an empty one") {
  block_table table;
  CHECK(table.count() == 0);
  CHECK(table.find(pointer(64)) == nullptr);
  table.for_each([](watched_block const&) { FAIL_CHECK("a block in an empty table"); });
  table.clear();
  CHECK(table.count() == 0);
}

// Neighbours, blocks of a page's distance, a few addresses that come again and again, and any.
std::uintptr_t random_address(random_source& random) {
  switch (random.below(4)) {
  case 0: return static_cast<std::uintptr_t>(0x7f0070000000) + 8 * random.below(2000);
  case 1: return static_cast<std::uintptr_t>(0x7f1271000000) + 4096 * random.below(2000);
  case 2: return 0x10000 + 16 * random.below(20);
  default: return 8 + 8 * random.below(~size_t{0} >> (sizeof(void*) == 8 ? 20 : 4));
  }
}

TEST_CASE("block_table: inserted, found and erased at random") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    random_source random{seed};
    block_table table;
    std::map<std::uintptr_t, std::uint64_t> model;
    size_t target = 0;
    size_t const steps = scaled(60'000);
    for (size_t i = 0; i < steps; ++i) {
      if (i % 5000 == 0) {
        compare(table, model);
        target = size_t{1} << random.below(14);
      }
      bool const adds = random.below(10) < (model.size() < target ? 7u : 3u);
      if (adds) {
        std::uintptr_t const address = random_address(random);
        watched_block* const there = table.find(pointer(address));
        REQUIRE((there != nullptr) == (model.count(address) != 0));
        if (there != nullptr) continue;
        REQUIRE(table.make_room());
        REQUIRE(table.insert(block_at(address, i)).number == i);
        model[address] = i;
      } else if (!model.empty()) {
        auto found = model.lower_bound(random_address(random));
        if (found == model.end()) found = model.begin();
        watched_block* const there = table.find(pointer(found->first));
        REQUIRE(there != nullptr);
        table.erase(there);
        model.erase(found);
      }
    }
    compare(table, model);
    table.clear();
    compare(table, {});
    REQUIRE(table.make_room());
    table.insert(block_at(8, 1));
    compare(table, {{8, 1}});
  }
}

TEST_CASE("block_table: what is changed in a visit stays changed, also when the table grows") {
  block_table table;
  for (std::uintptr_t i = 1; i <= 100; ++i) {
    REQUIRE(table.make_room());
    table.insert(block_at(i * 4096, i));
  }
  table.for_each([](watched_block& b) { b.bytes = static_cast<size_t>(b.number) * 2; });
  for (std::uintptr_t i = 101; i <= 10'000; ++i) {
    REQUIRE(table.make_room());
    table.insert(block_at(i * 4096, i));
  }
  for (std::uintptr_t i = 1; i <= 10'000; ++i) {
    watched_block const* const b = table.find(pointer(i * 4096));
    REQUIRE(b != nullptr);
    REQUIRE(b->bytes == (i <= 100 ? i * 2 : 0));
  }
}
}  // namespace
