// Random walks of engines on systems that are hostile: large pages, maps that never align, refusals of every kind.
#include "../support/fake_system.hpp"
#include "../support/random_walk.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <algorithm>

namespace {
using namespace zmm_test;

// A chunk is one page of the largest kind.
struct chunks_of_a_page : zmm::default_options {
  using geometry = zmm::geometry<64 * 1024, 4096>;
};

enum class how { misaligns, refuses, keeps };

template <class Like> void be_hostile(how h) {
  auto& system = fake_system<Like>::now();
  if (h == how::misaligns) system.misalign = 1;
  if (h == how::refuses) system.refuse_map = system.refuse_open = system.refuse_move = system.moves_lose_place = 3;
  if (h == how::keeps) system.refuse_unmap = 7;  // one in two is more than the list of leftovers has room for
}

template <class Heap, class Like> void walk(std::size_t page, how h) {
  fake_system<Like>::reset();
  be_hostile<Like>(h);
  fake_storage_type<Like> storage;
  {
    counting_storage counted{storage};
    walk_options options;
    options.limits = h == how::misaligns;
    options.storage_fails = h != how::misaligns;
    // visit() and threads' records have memory of the real system, to which what waits for the fake one must not be offered.
    options.visits = h != how::keeps;
    engine<Heap> under_test{counted};
    random_walk<Heap> path{under_test, counted, page, options};
    path.run(std::max(std::size_t{1000}, scaled(1000)));  // fewer may meet no block that grows in place
    CHECK(path.resizes() > 0);
  }
  settle<Like>();
  CHECK(fake_system<Like>::now().broken == "");
  CHECK(fake_system<Like>::now().mapped == 0);
  REQUIRE(zmm::detail::os_leftovers.count() == 0);
  fake_system<Like>::reset();
}

template <class Like> void walks(std::size_t page, how h) {
  pages_of const size{page};
  CAPTURE(page);
  walk<zmm::basic_heap<chunks_of_a_page>, Like>(page, h);
  walk<zmm::basic_heap<paranoid_small>, Like>(page, h);
  walk<zmm::basic_segment_heap<small_segments>, Like>(page, h);
  walk<zmm::basic_request_heap<small_chunks>, Like>(page, h);
  if (h != how::keeps)  // threads' records
    walk<zmm::synchronized_heap, Like>(page, h);
}

#define ZMM_TEST_SYSTEMS like_linux, like_macos, like_freebsd, like_windows, like_old_windows, like_plain_posix, like_no_reserves

TEST_CASE_TEMPLATE("hostile systems: engines on maps that never align", Like, ZMM_TEST_SYSTEMS) {
  for (std::size_t page : {4096U, 16384U, 65536U}) walks<Like>(page, how::misaligns);
}
TEST_CASE_TEMPLATE("hostile systems: engines on maps, openings and moves that are refused", Like, ZMM_TEST_SYSTEMS) {
  for (std::size_t page : {4096U, 16384U, 65536U}) walks<Like>(page, how::refuses);
}
TEST_CASE_TEMPLATE("hostile systems: engines where memory is not always taken back", Like, like_linux, like_macos, like_plain_posix,
                   like_no_reserves) {
  for (std::size_t page : {4096U, 16384U, 65536U}) walks<Like>(page, how::keeps);
}
}  // namespace
