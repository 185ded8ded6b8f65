// Random walks of engines over each storage.
#include "../support/checking_storage.hpp"
#include "../support/random_walk.hpp"
#include "../support/scale.hpp"
#include "../support/storages.hpp"

namespace {
using namespace zmm_test;

template <class Heap, class From> void walk() {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    CAPTURE(seed);
    From from;
    checking_storage checked{from.get()};
    counting_storage counted{checked};
    walk_options options;
    options.limits = seed % 2 == 0;
    options.storage_fails = !From::shared;  // what has an end may come to it
    engine<Heap> under_test{counted};
    random_walk<Heap> path{under_test, counted, seed, options};
    path.run(scaled(5000));
    CHECK(path.resizes() > 0);
  }
}

TEST_CASE_TEMPLATE("heap over any storage: random walk", From, ZMM_TEST_STORAGES) { walk<zmm::heap, From>(); }
TEST_CASE_TEMPLATE("heap with 256 KiB chunks over any storage: random walk", From, ZMM_TEST_STORAGES) {
  walk<zmm::basic_heap<small_chunks>, From>();
}
TEST_CASE_TEMPLATE("hardened heap over any storage: random walk", From, ZMM_TEST_STORAGES) {
  walk<zmm::hardened_heap, From>();
}
TEST_CASE_TEMPLATE("request_heap over any storage: random walk", From, ZMM_TEST_STORAGES) {
  walk<zmm::request_heap, From>();
}
TEST_CASE_TEMPLATE("segment_heap over any storage: random walk", From, ZMM_TEST_STORAGES) {
  walk<zmm::segment_heap, From>();
}
TEST_CASE_TEMPLATE("hardened segment_heap over any storage: random walk", From, ZMM_TEST_STORAGES) {
  walk<zmm::hardened_segment_heap, From>();
}
TEST_CASE_TEMPLATE("segment_heap with segments of 4 KiB over any storage: random walk", From, ZMM_TEST_STORAGES) {
  walk<zmm::basic_segment_heap<small_segments>, From>();
}
TEST_CASE_TEMPLATE("synchronized_heap over any storage: random walk of one thread", From, ZMM_TEST_STORAGES) {
  walk<zmm::synchronized_heap, From>();
}
}  // namespace
