// The table of blocks with address space ahead of them, against a map. Its keys are addresses it never reads.
#include <zmm/storage/reserve_table.hpp>

#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <map>
#include <memory>
#include <thread>
#include <vector>

namespace {
using std::size_t;
using zmm::detail::reserve_table;

void* page(size_t number) { return reinterpret_cast<void*>(number * 4096); }

TEST_CASE("reserve_table: what was never inserted has no reserve") {
  auto const table = std::make_unique<reserve_table>();
  CHECK(table->find(page(1)) == 0);
  table->erase(page(1));
  REQUIRE(table->insert(page(2), 5));
  CHECK(table->find(page(1)) == 0);
  table->erase(page(1));
  CHECK(table->find(page(2)) == 5);
  table->erase(page(2));
  CHECK(table->find(page(2)) == 0);
  table->erase(page(2));
  CHECK(table->find(page(2)) == 0);
}

TEST_CASE("reserve_table: random inserts and erases from empty to half full") {
  auto const table = std::make_unique<reserve_table>();
  std::map<void*, size_t> model;
  zmm_test::random_source random{41};
  size_t target = 100;
  for (size_t step = 0; step < zmm_test::scaled(100000); ++step) {
    if (step % 10000 == 0) target = random.one_in(2) ? reserve_table::capacity - 1 : random.below(200);
    // Neighbours as a system maps them, and strangers.
    void* const block = page(random.one_in(3) ? random.between(1, ~size_t{0} >> (sizeof(void*) == 8 ? 24 : 12)) : random.between(1, 12000));
    auto const known = model.find(block);
    REQUIRE(table->find(block) == (known == model.end() ? 0 : known->second));
    if (known != model.end()) {
      if (random.one_in(2) || model.size() > target) {
        table->erase(block);
        model.erase(known);
        REQUIRE(table->find(block) == 0);
      }
    } else if (model.size() <= target) {
      REQUIRE(table->insert(block, step + 1));
      model[block] = step + 1;
    } else {
      table->erase(block);  // not there: no effect
      table->erase(model.begin()->first);
      model.erase(model.begin());
    }
    if (step % 9973 == 0)
      for (auto const& [each, reserve] : model) REQUIRE(table->find(each) == reserve);
  }
  for (auto const& [each, reserve] : model) REQUIRE(table->find(each) == reserve);
  for (auto const& [each, reserve] : model) table->erase(each);
  for (auto const& [each, reserve] : model) REQUIRE(table->find(each) == 0);
}

TEST_CASE("reserve_table: full it refuses and keeps what it has") {
  auto const table = std::make_unique<reserve_table>();
  constexpr size_t apart = sizeof(size_t) > 4 ? 512 : 16;  // pages; all of them are addresses
  for (size_t i = 1; i <= reserve_table::capacity; ++i) REQUIRE(table->insert(page(i * apart), i));
  for (int i = 0; i < 3; ++i) CHECK_FALSE(table->insert(page(7), 7));
  CHECK(table->find(page(7)) == 0);
  for (size_t i = 1; i <= reserve_table::capacity; ++i) REQUIRE(table->find(page(i * apart)) == i);
  table->erase(page(7));  // not there: makes no room
  CHECK_FALSE(table->insert(page(7), 7));
  table->erase(page(512 * apart));
  CHECK(table->insert(page(7), 7));
  CHECK_FALSE(table->insert(page(8), 8));
  CHECK(table->find(page(7)) == 7);
  CHECK(table->find(page(512 * apart)) == 0);
}

TEST_CASE("reserve_table: threads with blocks of their own do not disturb each other") {
  auto const table = std::make_unique<reserve_table>();
  std::vector<size_t> wrong(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (size_t round = 0; round < zmm_test::scaled(200); ++round) {
        for (size_t i = 1; i <= 20; ++i) wrong[t] += !table->insert(page(i * 4 + t), i + round);
        for (size_t i = 1; i <= 20; ++i) wrong[t] += table->find(page(i * 4 + t)) != i + round;
        for (size_t i = 1; i <= 20; ++i) table->erase(page(i * 4 + t));
        for (size_t i = 1; i <= 20; ++i) wrong[t] += table->find(page(i * 4 + t)) != 0;
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (size_t w : wrong) CHECK(w == 0);
}
}  // namespace
