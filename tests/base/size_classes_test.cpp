// The bins against the list in the memory manager's description, and the table against its naive form.
#include <zmm/base/size_classes.hpp>

#include "../support/random.hpp"
#include <doctest/doctest.h>
#include <initializer_list>

namespace {
using namespace zmm_test;
namespace lib = zmm::detail;

// The formula of the original, with its branch.
std::size_t zend_bin(std::size_t n) {
  if (n == 0) n = 1;
  if (n <= 64) return (n - 1) / 8;
  unsigned b = 0;
  while ((n - 1) >> b != 0) ++b;
  return ((n - 1) >> (b - 3)) + 4 * (b - 6);
}

TEST_CASE("bins: slots and runs are Zend's") {
  REQUIRE(lib::bin_count == 30);
  for (std::size_t i = 0; i < 30; ++i) {
    CHECK(lib::bin_specs[i].slot_bytes == bin_sizes[i]);
    std::size_t const run = lib::bin_specs[i].pages * std::size_t{4096};
    CHECK(lib::bin_specs[i].slots == run / bin_sizes[i]);
  }
}

// The description's table, as it is written there.
struct bin_fact {
  std::size_t bytes, slots, pages;
};
constexpr bin_fact facts[] = {
    {8, 512, 1},   {16, 256, 1},  {24, 170, 1},  {32, 128, 1},  {40, 102, 1},  {48, 85, 1},   {56, 73, 1},   {64, 64, 1},
    {80, 51, 1},   {96, 42, 1},   {112, 36, 1},  {128, 32, 1},  {160, 25, 1},  {192, 21, 1},  {224, 18, 1},  {256, 16, 1},
    {320, 64, 5},  {384, 32, 3},  {448, 9, 1},   {512, 8, 1},   {640, 32, 5},  {768, 16, 3},  {896, 9, 2},   {1024, 8, 2},
    {1280, 16, 5}, {1536, 8, 3},  {1792, 16, 7}, {2048, 8, 4},  {2560, 8, 5},  {3072, 4, 3},
};

TEST_CASE("bins: slots and pages of each run are those of the original's table") {
  static_assert(sizeof facts / sizeof *facts == 30);
  for (std::uint8_t i = 0; i < 30; ++i) {
    lib::bin_index const bin{i};
    CHECK(lib::slot_bytes(bin) == facts[i].bytes);
    CHECK(lib::run_layout<4096>::slots(bin) == facts[i].slots);
    CHECK(lib::run_layout<4096>::pages(bin) == facts[i].pages);
  }
}

TEST_CASE("bins: every size finds the bin that Zend's formula and the walk find") {
  for (std::size_t n = 1; n <= largest_bin; ++n) {
    std::size_t const bin = lib::size_classes<8>::bin_of_bytes(n).value;
    CHECK(bin == zend_bin(n));
    CHECK(lib::slot_bytes(lib::size_classes<8>::bin_of_bytes(n)) == slot_of(n));
    CHECK(lib::size_classes<16>::bin_of_bytes(n).value == (bin == 0 ? 1 : bin));
  }
}

TEST_CASE("bins: every size at every alignment gets a slot that can be so aligned, or is paged") {
  for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2)
    for (std::size_t n = 1; n <= 4000; ++n) {
      std::size_t const rank = lib::rank_of(n, alignment);
      bool const is_small = rank < lib::small_limit;
      REQUIRE(is_small == (round_up(n, alignment) <= largest_bin));
      if (!is_small) continue;
      std::size_t const slot = lib::slot_bytes(lib::size_classes<8>::bin_of(rank));
      REQUIRE(slot >= n);
      REQUIRE(slot % alignment == 0);
    }
}

TEST_CASE("bins: engines over runs have 34 more, up to 32 KiB, and the table finds the smallest slot") {
  using classes = lib::size_classes<8, largest_run_bin>;
  REQUIRE(classes::bins == 30 + sizeof more_bin_sizes / sizeof *more_bin_sizes);
  REQUIRE(classes::bins == lib::most_bins);
  for (std::size_t i = 0; i < 34; ++i) CHECK(lib::bin_specs[30 + i].slot_bytes == more_bin_sizes[i]);
  for (std::size_t i = 1; i < lib::most_bins; ++i)
    CHECK(lib::bin_specs[lib::bins_by_size.bin[i - 1]].slot_bytes < lib::bin_specs[lib::bins_by_size.bin[i]].slot_bytes);
  for (std::size_t n = 1; n <= largest_run_bin; ++n) {
    REQUIRE(lib::slot_bytes(classes::bin_of_bytes(n)) == run_slot_of(n));
    if (n <= 1024) REQUIRE(classes::bin_of_bytes(n).value == lib::size_classes<8>::bin_of_bytes(n).value);
    if (n > 8) REQUIRE(lib::size_classes<16, largest_run_bin>::bin_of_bytes(n).value == classes::bin_of_bytes(n).value);
  }
  static_assert(lib::size_classes<8, 4096>::bins == 40 && lib::size_classes<8, 4096>::limit == 4096);
}
TEST_CASE("bins: those of engines over runs lose less than a seventh of a block from 1 KiB on") {
  for (std::size_t n = 1025; n <= largest_run_bin; ++n) REQUIRE(run_slot_of(n) * 7 <= n * 8);
}
TEST_CASE("bins: the largest slot is a bin's and not below the original's") {
  CHECK(lib::bins_up_to(3072) == 30);
  CHECK(lib::bins_up_to(32768) == 64);
  for (std::size_t bytes : {0u, 1024u, 1152u, 2048u, 2816u, 3000u, 3073u, 8000u, 32769u}) CHECK(lib::bins_up_to(bytes) == 0);
}

// A run begins at a page, or where its bin's alignment says; a slot lies at a multiple of its size from there.
TEST_CASE("bins: every size up to 32 KiB at every alignment gets a slot that lies so aligned in its run, or is paged") {
  using classes = lib::size_classes<8, largest_run_bin>;
  for (std::size_t alignment = 1; alignment <= 131072; alignment *= 2)
    for (std::size_t n = 1; n <= largest_run_bin + 200; ++n) {
      std::size_t const rank = lib::rank_of(n, alignment);
      bool const is_small = rank < classes::limit;
      REQUIRE(is_small == (round_up(n, alignment) <= largest_run_bin));
      if (!is_small) continue;
      lib::bin_index const bin = classes::bin_of(rank);
      REQUIRE(lib::slot_bytes(bin) == run_slot_of(n, alignment));
      std::size_t const run = lib::run_layout<4096>::alignment(bin) * 4096;
      REQUIRE((run % alignment == 0 && lib::slot_bytes(bin) % alignment == 0));
    }
}

TEST_CASE("bins: size 0 and alignment 0 are not small") {
  CHECK(lib::rank_of(0, 8) >= lib::small_limit);
  CHECK(lib::rank_of(8, 0) >= lib::small_limit);
}

template <std::size_t Page> void layouts_fill_pages() {
  using layout = lib::run_layout<Page>;
  for (std::uint8_t i = 0; i < lib::most_bins; ++i) {
    lib::bin_index const bin{i};
    for (bool const is_short : {false, true}) {
      if (is_short && !layout::has_short(bin)) continue;
      std::size_t const run = layout::pages(bin, is_short) * Page, slots = layout::slots(bin, is_short);
      CHECK(slots > 0);
      CHECK(slots * lib::slot_bytes(bin) <= run);
      CHECK((slots + 1) * lib::slot_bytes(bin) > run);
      CHECK(run <= 65536);  // as slot_starts requires
    }
    if (layout::has_short(bin)) CHECK(layout::slots(bin, true) < layout::slots(bin));
    if (lib::slot_bytes(bin) <= 3072) CHECK_FALSE(layout::has_short(bin));
  }
}
TEST_CASE("runs: the layout fills pages of 4 to 64 KiB") {
  layouts_fill_pages<4096>();
  layouts_fill_pages<8192>();
  layouts_fill_pages<16384>();
  layouts_fill_pages<32768>();
  layouts_fill_pages<65536>();
}
TEST_CASE("runs: those of bins that Zend has not waste less than 3 % of their pages") {
  for (std::uint8_t i = 30; i < lib::most_bins; ++i) {
    std::size_t const run = lib::bin_specs[i].pages * std::size_t{4096};
    CHECK(lib::bin_specs[i].slots * lib::bin_specs[i].slot_bytes * 100 > run * 97);
  }
}
}  // namespace
