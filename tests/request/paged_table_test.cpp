// A request's list of paged blocks against a vector, and the word that a block is kept in.
#include <zmm/request/paged_table.hpp>

#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <initializer_list>
#include <vector>

namespace {
using std::size_t;
using zmm::detail::paged_block;
using zmm::detail::paged_table;

// A block by its number: the table never reads what it lists.
paged_block block(size_t number, size_t pages) { return paged_block(reinterpret_cast<void*>(number * 4096), pages); }
constexpr size_t most_number = ~std::uintptr_t{0} >> 12;
bool same(paged_block a, paged_block b) { return a.start() == b.start() && a.pages() == b.pages(); }

TEST_CASE("paged_block: an address and a number of pages share a word") {
  CHECK(sizeof(paged_block) == sizeof(void*));
  for (size_t number : {size_t{1}, size_t{0x7FFF}, (most_number >> 17) + 2, most_number})
    for (size_t pages : {size_t{0}, size_t{1}, size_t{2047}, size_t{4095}}) {
      paged_block const b = block(number, pages);
      CHECK(reinterpret_cast<std::uintptr_t>(b.start()) == number * 4096);
      CHECK(b.pages() == pages);
      CHECK(b.is_huge() == (pages == 0));
    }
  CHECK(paged_block().start() == nullptr);
}

TEST_CASE("paged_table: random pushes and removals while it moves to larger memory") {
  zmm_test::random_source random{31};
  paged_table table;
  for (int round = 0; round < 20; ++round) {
    std::vector<paged_block> model;
    std::vector<std::vector<paged_block>> rooms;  // every array it ever lay in
    size_t const target = size_t{1} << random.below(12);
    for (size_t step = 0; step < zmm_test::scaled(3000); ++step) {
      if (model.size() < target ? !random.one_in(4) : random.one_in(3)) {
        if (table.full()) {
          size_t const bytes = table.grown_bytes(), before = table.size();
          REQUIRE(bytes > before * sizeof(paged_block));
          REQUIRE(bytes > table.memory_bytes());
          rooms.emplace_back(bytes / sizeof(paged_block));
          void* const old = table.memory();
          table.move_to(rooms.back().data(), bytes);
          REQUIRE(table.memory() == rooms.back().data());
          REQUIRE(table.memory() != old);
          REQUIRE(table.memory_bytes() == bytes);
          REQUIRE(table.size() == before);
          REQUIRE_FALSE(table.full());
          if (rooms.size() > 1) rooms[rooms.size() - 2].assign(1, paged_block());  // given back: no one's any more
        }
        model.push_back(block(random.between(1, most_number >> (sizeof(void*) == 8 ? 16 : 0)), random.below(4096)));
        table.push(model.back());
      } else if (!model.empty()) {
        size_t const tag = random.one_in(5) ? model.size() - 1 : random.below(model.size());
        bool const moved = table.remove(tag);
        REQUIRE(moved == (tag + 1 != model.size()));
        model[tag] = model.back();
        model.pop_back();
        if (moved) REQUIRE(same(table[tag], model[tag]));
      }
      REQUIRE(table.size() == model.size());
      if (model.empty()) continue;
      REQUIRE(same(table.back(), model.back()));
      size_t const any = random.below(model.size());
      REQUIRE(same(table[any], model[any]));
    }
    for (size_t tag = 0; tag < model.size(); ++tag) REQUIRE(same(table[tag], model[tag]));
    table.reset();
    CHECK(table.size() == 0);
    CHECK(table.memory() == nullptr);
    CHECK(table.memory_bytes() == 0);
    CHECK_FALSE(table.full());
  }
}

TEST_CASE("paged_table: the first blocks need no memory") {
  paged_table table;
  size_t pushed = 0;
  for (; !table.full(); ++pushed) {
    table.push(block(pushed + 1, pushed));
    CHECK(table.memory() == nullptr);
    CHECK(table.memory_bytes() == 0);
  }
  CHECK(pushed > 0);
  for (size_t tag = 0; tag < pushed; ++tag) CHECK(same(table[tag], block(tag + 1, tag)));

  std::vector<paged_block> room(table.grown_bytes() / sizeof(paged_block));
  table.move_to(room.data(), table.grown_bytes());
  while (!table.full()) table.push(block(++pushed, 1));
  CHECK(table.size() == room.size());  // all of what was given is used, and no more
  table.reset();
  pushed = 0;
  for (; !table.full(); ++pushed) table.push(block(50, 1));
  CHECK(table.size() < room.size());
  CHECK(table.memory() == nullptr);
}
}  // namespace
