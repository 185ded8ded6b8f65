// Requests within requests: one pool, charges up the line, ends from the inside out.
#include <zmm/request_resource.hpp>

#include "support/counting_storage.hpp"
#include "support/stop_recorder.hpp"
#include <cstring>
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

TEST_CASE("nesting: remaining is no more than the pool leaves") {
  zmm::request_pool pool;
  request_resource request{pool};
  REQUIRE(pool.set_limit(8 << 20));
  (void)request.allocate(100);
  CHECK(request.remaining() == pool.remaining());
  REQUIRE(request.set_limit(1 << 20));
  CHECK(request.remaining() == request.limit() - request.real_size());
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

TEST_CASE("nesting: the end finds what entries left in requests that it had passed already") {
  request_resource parent;
  request_resource child{zmm::within, parent};
  request_resource grandchild{zmm::within, child};
  request_resource sibling{zmm::within, parent};  // newer than child: visited before it
  request_resource nephew{zmm::within, sibling};
  bool ran = false;
  grandchild.on_end([&] {
    (void)nephew.allocate(100);
    nephew.on_end([&] { sibling.on_end([&] { ran = true; }); });
  });
  SUBCASE("parent") { parent.release(); }
  SUBCASE("an entry makes a request and leaves something in it") {
    auto made = std::make_unique<request_resource>(zmm::within, child);
    bool ran_there = false;
    nephew.on_end([&] {
      made = std::make_unique<request_resource>(zmm::within, sibling);
      made->on_end([&] { ran_there = true; });
    });
    parent.release();
    CHECK(ran_there);
    CHECK(made->real_size() == 0);
  }
  CHECK(ran);
  for (request_resource* r : {&parent, &child, &grandchild, &sibling, &nephew}) {
    CHECK(r->stats().live_blocks == 0);
    CHECK(r->real_size() == 0);
    r->verify();
  }
}

TEST_CASE("nesting: no block of a family is dropped before its last entry has run, without faces too") {
  auto parent = std::make_unique<zmm::request_heap>();
  char* const text = static_cast<char*>(parent->allocate(100000));
  std::strcpy(text, "the parent's");
  zmm::request_heap child{zmm::within, *parent}, grandchild{zmm::within, child}, sibling{zmm::within, *parent};
  char* const inner = static_cast<char*>(grandchild.allocate(100));
  std::strcpy(inner, "the grandchild's");
  int whole = 0;
  grandchild.on_end([&] {
    sibling.on_end(
        [&] { whole += std::strcmp(text, "the parent's") == 0 && std::strcmp(inner, "the grandchild's") == 0; });
  });
  parent->on_end([&] { whole += std::strcmp(inner, "the grandchild's") == 0; });
  parent.reset();
  CHECK(whole == 2);
  CHECK(sibling.real_size() == 0);
  sibling.release();
  CHECK(whole == 2);
}

TEST_CASE("nesting: an entry may end and destroy requests below its own") {
  auto parent = std::make_unique<request_resource>();
  auto child = std::make_unique<request_resource>(zmm::within, *parent);
  auto other = std::make_unique<request_resource>(zmm::within, *parent);
  int ended = 0;
  child->on_end([&] { ++ended; });
  other->on_end([&] { ++ended; });
  parent->on_end([&] {
    child.reset();
    other->on_end([&] { ++ended; });
    other->release();
  });
  parent.reset();
  CHECK(ended == 3);
}

TEST_CASE("nesting: while a family ends no limit of it binds") {
  zmm::request_pool pool;
  request_resource parent{pool};
  request_resource child{zmm::within, parent};
  request_resource grandchild{zmm::within, child};
  REQUIRE(child.set_limit(4096));
  REQUIRE(grandchild.set_limit(0));
  size_t got = 0;
  parent.on_end([&] {
    for (request_resource* r : {&child, &grandchild}) got += r->try_allocate(100000, 8) != nullptr;
  });
  parent.release();
  CHECK(got == 2);
  CHECK(grandchild.try_allocate(8) == nullptr);
  CHECK(child.try_allocate(100000) == nullptr);
}

TEST_CASE("nesting: a hook that ends the request it was asked for is noticed") {
  for (int depth = 0; depth < 3; ++depth) {
    child_result const r = run_in_child([&] {
      static zmm::request_heap* ended;
      zmm::request_heap parent, child{zmm::within, parent}, grandchild{zmm::within, child};
      zmm::request_heap* const family[] = {&parent, &child, &grandchild};
      ended = family[depth];
      parent.on_limit(
          [](void*, size_t) noexcept {
            ended->release();
            return true;
          },
          nullptr);
      (void)parent.set_limit(64 << 10);
      for (int i = 0; i < 100; ++i) (void)grandchild.try_allocate(3000);
    });
    CHECK(r.aborted);
    CHECK(r.what == "neither a limit hook nor an entry of the end releases the request");
  }
}

TEST_CASE("nesting: a hook may end a request that nobody waits in") {
  zmm::request_heap parent, child{zmm::within, parent}, cache{zmm::within, parent};
  parent.on_limit(
      [](void* user, size_t) noexcept {
        static_cast<zmm::request_heap*>(user)->release();
        return true;
      },
      &cache);
  REQUIRE(parent.set_limit(256 << 10));
  (void)cache.allocate(200000);
  CHECK(child.try_allocate(150000) != nullptr);
  CHECK(cache.real_size() == 0);
  parent.verify();
}

TEST_CASE("nesting: a refusal says whose limit it was, and how much was needed") {
  zmm::request_pool pool;
  request_resource parent{pool};
  request_resource child{zmm::within, parent};
  (void)child.allocate(100);
  auto const refused_by = [&](size_t bytes) {
    try {
      for (;;) (void)child.allocate(bytes, 8);
    } catch (zmm::memory_limit_exceeded const& e) {
      CHECK(e.requested() == bytes);
      CHECK(e.used() + e.needed() > e.limit());
      CHECK(e.limit() - e.used() < e.needed());
      return e.whose();
    }
  };
  for (size_t bytes : {size_t{80}, size_t{5000}, size_t{700000}, size_t{5} << 20}) {
    REQUIRE(child.set_limit(20 << 20));
    CHECK(refused_by(bytes) == zmm::limit_holder::engine);
    REQUIRE(child.set_limit(~size_t{0}));
    REQUIRE(parent.set_limit(30 << 20));
    CHECK(refused_by(bytes) == zmm::limit_holder::ancestor);
    REQUIRE(parent.set_limit(~size_t{0}));
    REQUIRE(pool.set_limit(50 << 20));
    CHECK(refused_by(bytes) == zmm::limit_holder::pool);
    REQUIRE(pool.set_limit(~size_t{0}));
    parent.release();
  }
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
