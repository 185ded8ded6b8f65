// When a shared heap looks for empty runs: in bulk, not too often, and what that gives back.
#include <zmm/synchronized_resource.hpp>
#include <zmm/threads/look_policy.hpp>

#include "../support/counting_storage.hpp"
#include <doctest/doctest.h>
#include <vector>

namespace {
using zmm::detail::look_policy;
using std::size_t;
constexpr size_t mib = size_t(1) << 20;

TEST_CASE("look policy: the first look is due when half has come back and is free, from 8 MiB on") {
  look_policy small, large;
  small.came_back(7 * mib);
  CHECK(!small.is_due(7 * mib, true));
  large.came_back(4 * mib - 1);
  CHECK(!large.is_due(8 * mib, true));
  large.came_back(1);
  CHECK(large.is_due(8 * mib, true));
  large.went(1);
  CHECK(!large.is_due(8 * mib, true));
}

TEST_CASE("look policy: another look is due each time half of what was live has come back") {
  look_policy p;
  p.came_back(20 * mib);
  REQUIRE(p.is_due(40 * mib, true));
  REQUIRE(p.begin(40 * mib));  // 20 MiB are live
  p.collected(4 * mib, 36 * mib);
  p.end(36 * mib);
  CHECK(p.gives_pages());
  CHECK(!p.is_due(36 * mib, true));
  p.came_back(10 * mib);  // 10 MiB are live, but not three quarters are free
  CHECK(!p.is_due(36 * mib, true));
  p.came_back(mib);
  CHECK(p.is_due(36 * mib, true));
  CHECK(!p.is_due(36 * mib, false));
  REQUIRE(p.begin(36 * mib));  // without asking the clock: it has not grown
  p.collected(0, 36 * mib);
  p.end(36 * mib);
  CHECK(!p.is_due(36 * mib, true));
  p.came_back(5 * mib);
  CHECK(p.is_due(36 * mib, true));
}

TEST_CASE("look policy: a heap that grew again within a second is not looked at, unless it is large") {
  look_policy p;
  p.came_back(20 * mib);
  REQUIRE(p.begin(40 * mib));
  p.collected(20 * mib, 20 * mib);
  p.end(20 * mib);
  p.came_back(20 * mib);
  REQUIRE(p.is_due(40 * mib, true));
  CHECK(!p.begin(40 * mib));
  CHECK(!p.is_due(40 * mib, true));  // that question is not asked again at once
  p.went(20 * mib);
  p.came_back(80 * mib);
  REQUIRE(p.is_due(150 * mib, true));
  CHECK(p.begin(150 * mib));
  CHECK(!p.gives_pages());
}

TEST_CASE("look policy: more bytes than there are do no harm") {
  look_policy p;
  p.went(mib);
  p.came_back(100 * mib);
  CHECK(p.is_due(10 * mib, true));
  p.collected(0, 10 * mib);
  CHECK(!p.is_due(40 * mib, true));
  p.forget();
  CHECK(!p.is_due(40 * mib, true));
}

TEST_CASE("synchronized_heap: what a load leaves behind goes back to storage, though a little of it lives on") {
  constexpr size_t each = 200, count = 200'000;  // 40 MB
  zmm_test::counting_storage storage;
  zmm::synchronized_heap heap{storage};
  std::vector<void*> blocks(count);
  for (void*& p : blocks) p = heap.allocate(each);
  size_t const most = storage.live();
  for (size_t i = 0; i < count; ++i)
    if (i % 5000 != 0) heap.deallocate(blocks[i], each);
  CHECK(most > 35 * mib);
  CHECK(storage.live() - storage.purged < 12 * mib);
  heap.verify();
  for (size_t i = 0; i < count; i += 5000) heap.deallocate(blocks[i], each);
}

TEST_CASE("synchronized_heap: rounds that use their memory again at once do not give it away each time") {
  constexpr size_t each = 200, count = 100'000, rounds = 20;  // 20 MB
  zmm_test::counting_storage storage;
  zmm::synchronized_heap heap{storage};
  std::vector<void*> blocks(count);
  for (size_t round = 0; round < rounds; ++round) {
    for (void*& p : blocks) p = heap.allocate(each);
    for (void* p : blocks) heap.deallocate(p, each);
  }
  MESSAGE(storage.takings() << " takings, " << (storage.purged >> 20) << " MiB purged in " << rounds << " rounds of 20 MB");
  CHECK(storage.purged + storage.takings() * 2 * mib < rounds / 2 * each * count);
}

}  // namespace
