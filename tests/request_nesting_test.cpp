// Requests within requests: one pool, charges up the line, ends from the inside out.
#include <zmm/request_resource.hpp>

#include "support/counting_storage.hpp"
#include <doctest/doctest.h>
#include <memory>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;
using zmm::request_resource;

TEST_CASE("nesting: a child draws on its parent's pool and is charged to every ancestor") {
  counting_storage source;
  zmm::request_pool pool{source};
  request_resource parent{pool};
  request_resource child{zmm::within, parent};
  request_resource grandchild{zmm::within, child};
  (void)grandchild.allocate(100000, 8);
  CHECK(grandchild.real_size() >= 100000);
  CHECK(child.real_size() >= grandchild.real_size());
  CHECK(parent.real_size() >= child.real_size());
  REQUIRE(parent.set_limit(parent.real_size() + 50000));
  CHECK(grandchild.try_allocate(60000, 8) == nullptr);
  CHECK(child.try_allocate(60000, 8) == nullptr);
  CHECK(grandchild.try_allocate(20000, 8) != nullptr);
  try {
    (void)grandchild.allocate(60000, 8);
    FAIL("the ancestor's limit did not bind");
  } catch (zmm::memory_limit_exceeded const& e) {
    CHECK(e.limit() == parent.limit());
    CHECK(e.used() == parent.real_size());
    CHECK(e.requested() == 60000);
  }
  grandchild.release();
  CHECK(grandchild.real_size() == 0);
  CHECK(child.try_allocate(60000, 8) != nullptr);
  parent.verify();
  child.verify();
}

TEST_CASE("nesting: remaining is the least that any ancestor leaves") {
  request_resource parent;
  request_resource child{zmm::within, parent};
  (void)child.allocate(100, 8);
  REQUIRE(parent.set_limit(parent.real_size() + 100000));
  REQUIRE(child.set_limit(child.real_size() + 300000));
  CHECK(child.remaining() <= 300000);
  CHECK(child.try_allocate(200000, 8) == nullptr);
  CHECK(parent.remaining() == 100000);
}

TEST_CASE("nesting: a lift of a child lifts its ancestors and its pool") {
  counting_storage source;
  zmm::request_pool pool{source};
  request_resource parent{pool};
  request_resource child{zmm::within, parent};
  (void)child.allocate(100, 8);
  REQUIRE(parent.set_limit(parent.real_size()));
  REQUIRE(pool.set_limit(source.live()));
  CHECK(child.try_allocate(size_t{4} << 20, 8) == nullptr);
  {
    zmm::limit_lift lift{child};
    CHECK(child.try_allocate(size_t{4} << 20, 8) != nullptr);
    zmm::limit_lift again{child.heap()};
    CHECK(child.try_allocate(size_t{4} << 20, 8) != nullptr);
  }
  CHECK(child.try_allocate(size_t{4} << 20, 8) == nullptr);
}

TEST_CASE("nesting: children are released before their parent, entries and all") {
  std::vector<int> order;
  request_resource parent;
  parent.on_end([&] { order.push_back(1); });
  request_resource child{zmm::within, parent};
  child.on_end([&] { order.push_back(2); });
  request_resource grandchild{zmm::within, child};
  grandchild.on_end([&] { order.push_back(3); });
  (void)grandchild.allocate(5000, 8);
  parent.release();
  CHECK(order == std::vector<int>{3, 2, 1});
  for (request_resource* r : {&parent, &child, &grandchild}) {
    CHECK(r->stats().live_blocks == 0);
    CHECK(r->real_size() == 0);
    r->verify();
  }
}

TEST_CASE("nesting: a parent destroyed first leaves its children empty and harmless") {
  auto parent = std::make_unique<request_resource>();
  request_resource child{zmm::within, *parent};
  auto grandchild = std::make_unique<request_resource>(zmm::within, child);
  (void)child.allocate(10000, 8);
  (void)grandchild->allocate(10, 8);
  parent.reset();
  CHECK(child.stats().live_blocks == 0);
  CHECK(grandchild->stats().live_blocks == 0);
  CHECK(child.real_size() == 0);
  child.release();
  child.verify();
  grandchild.reset();
  child.release();
}

TEST_CASE("nesting: many children, ended in any order") {
  zmm::request_pool pool;
  {
    request_resource parent{pool};
    std::vector<std::unique_ptr<request_resource>> children;
    for (size_t i = 0; i < 60; ++i) {
      request_resource& above = i % 3 == 0 ? parent : *children[i / 2];
      children.push_back(std::make_unique<request_resource>(zmm::within, above));
      (void)children.back()->allocate(100 * i + 1, 8);
    }
    for (size_t i = 0; i < 60; i += 2) children[i].reset();
    parent.verify();
    parent.release();
    for (size_t i = 1; i < 60; i += 2) CHECK(children[i]->stats().live_blocks == 0);
    CHECK(pool.stats().used == 0);
  }
  CHECK(pool.stats().in_flight == 0);
  pool.verify();
}
}  // namespace
