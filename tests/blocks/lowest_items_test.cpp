// The first few of many: nothing is told of twice, nothing left out, and no look is one too many.
#include <zmm/blocks/lowest_items.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

namespace {

struct item {
  std::uint64_t number;
  std::uint64_t key() const noexcept { return number; }
};

// Walks over 1 … `all`, offered backwards. Returns: how often it looked; 0: it did not tell of each once, in order.
std::size_t looks_for(std::uint64_t all, std::size_t room) {
  zmm::detail::lowest_items<item, 4> part(room);
  std::size_t looks = 0;
  std::vector<std::uint64_t> told;
  auto const look = [&] {
    ++looks;
    for (std::uint64_t n = all; n != 0; --n) part.offer({n});
  };
  CHECK(part.walk(look, [&](item const& i) { return told.push_back(i.number), true; }));
  bool holds = told.size() == all;
  for (std::size_t i = 0; i < told.size(); ++i) holds = holds && told[i] == i + 1;
  return holds ? looks : 0;
}

}  // namespace

TEST_CASE("a walk over the lowest items looks again only for what it had no room for") {
  CHECK(looks_for(0, 3) == 1);
  CHECK(looks_for(2, 3) == 1);
  CHECK(looks_for(3, 3) == 1);
  CHECK(looks_for(4, 3) == 2);
  CHECK(looks_for(6, 3) == 2);
  CHECK(looks_for(7, 3) == 3);
  CHECK(looks_for(1000, 1000) == 1);
  CHECK(looks_for(1000, 100) == 10);
}

TEST_CASE("items that were sorted while one looked are found, and told of in order") {
  zmm::detail::lowest_items<item, 4> part(4);
  std::uint64_t last = 0;
  auto const look = [&] {
    for (std::uint64_t n : {3U, 1U, 2U, 9U, 7U}) part.offer({n});
    part.sort();
  };
  CHECK(part.walk(look, [&](item const& i) { return i.number > last && (last = i.number, true); }));
  CHECK(last == 9);
  CHECK_FALSE(part.walk(look, [&](item const& i) { return i.number != 2; }));
}
