// request_heap's paged blocks: as many as one likes, each freed in any order, the list of them part of the request.
#include <zmm/request/request_heap.hpp>

#include "../support/checking_storage.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include "../support/shadow_model.hpp"
#include <doctest/doctest.h>

namespace {
using namespace zmm_test;
using std::size_t;

TEST_CASE("request: thousands of paged blocks, freed in any order") {
  checking_storage source;
  zmm::request_pool pool{source};
  zmm::request_heap heap{pool};
  shadow_model model;
  random_source random{3};
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < 4000; ++i) {
      size_t const bytes = random.one_in(200) ? random.between(1 << 20, 5 << 20) : random.between(3073, 9000);
      model.add(heap.allocate(bytes), bytes, alignof(std::max_align_t));
    }
    CHECK(heap.stats().live_blocks == model.count());
    CHECK(heap.stats().huge_blocks > 0);
    heap.verify();
    while (model.count() > 500 || (round == 2 && !model.empty())) {
      shadow_block const block = model.take(random.below(model.count()));
      heap.deallocate(block.p, block.most, block.alignment);
    }
    heap.verify();
  }
  CHECK(heap.stats().size == 0);
  CHECK(heap.stats().live_blocks == 0);
  heap.release();
  CHECK(pool.stats().used == 0);
  pool.verify();
}

TEST_CASE("request: paged blocks up to the limit, the list of them included") {
  for (size_t pages = 1; pages < 700; pages += 7) {
    zmm::request_pool pool;
    zmm::request_heap heap{pool};
    REQUIRE(heap.set_limit(pages * 4096));
    size_t got = 0;
    while (heap.try_allocate(4000) != nullptr) ++got;
    CHECK(heap.real_size() <= heap.limit());
    CHECK(heap.stats().live_blocks == got);
    CHECK(heap.stats().size == got * 4096);
    CHECK(got + 4 + got / 128 >= pages);  // all but a slab and the list is the caller's
    heap.verify();
  }
}
}  // namespace
