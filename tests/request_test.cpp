// request_resource as programs use it: objects, hooks at the end, nesting, the caller's buffer.
#include <zmm/zmm.hpp>

#include "support/checking_storage.hpp"
#include "support/counting_storage.hpp"
#include <doctest/doctest.h>
#include <cstring>
#include <map>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;
using zmm::request_resource;
using pmr_allocator = std::pmr::polymorphic_allocator<std::byte>;

struct plain {
  int a;
  std::string b;
  plain(int x, std::string y) : a(x), b(std::move(y)) {}
};

// Both conventions of uses-allocator construction, each noting how it was made.
struct leading {
  using allocator_type = pmr_allocator;
  leading(std::allocator_arg_t, allocator_type a, int v, std::string const& s) : value(v), text(s, a), with(a) {}
  leading(int, std::string const&) { FAIL_CHECK("made without the allocator"); }
  int value = 0;
  std::pmr::string text;
  allocator_type with;
};
struct trailing {
  using allocator_type = pmr_allocator;
  trailing(int v, std::unique_ptr<int> p, allocator_type a) : value(v), owned(std::move(p)), with(a) {}
  trailing(int, std::unique_ptr<int>) { FAIL_CHECK("made without the allocator"); }
  int value = 0;
  std::unique_ptr<int> owned;
  allocator_type with;
};

TEST_CASE("create: types that know no allocator are made as they are") {
  request_resource request;
  int* number = request.create<int>(42);
  CHECK(*number == 42);
  plain* p = request.create<plain>(7, "a text too long for the small buffer of a string");
  CHECK(p->a == 7);
  CHECK(p->b.size() > 20);
  auto* words = request.create<std::vector<int>>(size_t{3}, 5);
  CHECK(words->size() == 3);
}

TEST_CASE("create: an allocator in front, after allocator_arg") {
  request_resource request;
  leading* p = request.create<leading>(5, std::string("text"));
  CHECK(p->value == 5);
  CHECK(p->with.resource() == &request);
  CHECK(p->text.get_allocator().resource() == &request);
}

TEST_CASE("create: an allocator behind; arguments are forwarded") {
  request_resource request;
  trailing* p = request.create<trailing>(6, std::make_unique<int>(9));
  CHECK(p->value == 6);
  CHECK(*p->owned == 9);
  CHECK(p->with.resource() == &request);
}

TEST_CASE("create: pmr containers live in the request, with all their elements") {
  counting_storage source;
  zmm::request_pool pool{source};
  request_resource request{pool};
  auto* names = request.create<std::pmr::vector<std::pmr::string>>();
  for (int i = 0; i < 100; ++i) names->emplace_back("a name that is longer than any small string buffer is");
  CHECK(names->get_allocator().resource() == &request);
  CHECK(names->back().get_allocator().resource() == &request);
  auto* index = request.create<std::pmr::map<int, std::pmr::string>>();
  (*index)[3] = "another name that is longer than any small string buffer is";
  CHECK(index->at(3).get_allocator().resource() == &request);
  CHECK(request.stats().size > 100 * 50);
  request.verify();
}

struct wide { alignas(256) unsigned char bytes[256]; };

TEST_CASE("create: over-aligned objects are aligned") {
  request_resource request;
  for (int i = 0; i < 10; ++i) CHECK(reinterpret_cast<std::uintptr_t>(request.create<wide>()) % 256 == 0);
  request.verify();
}

struct thrower {
  explicit thrower(bool now) {
    if (now) throw std::runtime_error("not made");
  }
  ~thrower() { ++destroyed; }
  static inline int destroyed = 0;
};

TEST_CASE("create: a constructor that throws leaves nothing") {
  thrower::destroyed = 0;
  {
    request_resource request;
    (void)request.allocate(10, 8);
    auto const before = request.stats();
    CHECK_THROWS_AS((void)request.create<thrower>(true), std::runtime_error);
    auto const after = request.stats();
    CHECK(after.size == before.size);
    CHECK(after.live_blocks == before.live_blocks);
    (void)request.create<thrower>(false);
    CHECK(thrower::destroyed == 0);
    request.verify();
  }
  CHECK(thrower::destroyed == 1);
}

TEST_CASE("create: where there is no memory nothing is made") {
  request_resource request;
  REQUIRE(request.set_limit(0));
  thrower::destroyed = 0;
  CHECK_THROWS_AS((void)request.create<thrower>(false), std::bad_alloc);
  CHECK_THROWS_AS(request.on_end([]() noexcept {}), std::bad_alloc);
  CHECK(thrower::destroyed == 0);
  request.release();
  CHECK(thrower::destroyed == 0);
}

struct noted {
  std::vector<int>* order;
  int number;
  ~noted() { order->push_back(number); }
};

TEST_CASE("end: entries run newest first, objects and hooks in one order") {
  std::vector<int> order;
  {
    request_resource request;
    (void)request.create<noted>(noted{&order, 0});
    order.clear();  // the temporary's note
    request.on_end([&] { order.push_back(1); });
    request.on_end([&]() noexcept { order.push_back(2); });
    auto owned = std::make_unique<int>(3);
    request.on_end([&order, kept = std::move(owned)] { order.push_back(*kept); });
  }
  CHECK(order == std::vector<int>{3, 2, 1, 0});
}

TEST_CASE("end: engines have hooks too") {
  int ended = 0;
  zmm::request_pool pool;
  request_resource request{pool};
  request.heap().on_end([&ended] { ++ended; });
  request.heap().release();
  CHECK(ended == 1);
  request.heap().release();
  CHECK(ended == 1);
}

// Allocates from its request while being destroyed, and registers more, three generations deep.
struct late {
  request_resource* request;
  int depth;
  int* count;
  late(request_resource* r, int d, int* c) : request(r), depth(d), count(c) {}
  ~late() {
    ++*count;
    std::memset(request->allocate(5000, 8), 1, 5000);
    (void)request->allocate(10, 8);
    if (depth > 0) (void)request->create<late>(request, depth - 1, count);
    if (depth > 0) request->on_end([c = count] { ++*c; });
  }
};

TEST_CASE("end: destructors may allocate and register more, past any limit") {
  int count = 0;
  counting_storage source;
  {
    zmm::request_pool pool{source};
    {
      request_resource request{pool};
      for (int i = 0; i < 3; ++i) (void)request.create<late>(&request, 3, &count);
      REQUIRE(request.set_limit(request.real_size()));
      REQUIRE(pool.set_limit(source.live()));
      request.release();
      CHECK(count == 3 * (4 + 3));
      CHECK(request.stats().live_blocks == 0);
      request.verify();
      (void)request.create<late>(&request, 2, &count);
    }
    CHECK(count == 3 * (4 + 3) + 3 + 2);
    pool.verify();
  }
  CHECK(source.live() == 0);
}

struct by_virtual_call {
  std::pmr::memory_resource* resource;
  int* count;
  by_virtual_call(std::pmr::memory_resource* r, int* c) : resource(r), count(c) {}
  ~by_virtual_call() {
    void* p = resource->allocate(100, 8);
    resource->deallocate(p, 100, 8);
    ++*count;
  }
};

TEST_CASE("end: virtual calls still work in the destructor of the resource") {
  int count = 0;
  {
    request_resource request;
    (void)request.create<by_virtual_call>(&request, &count);
    auto* text = request.create<std::pmr::string>(1000, 'x');
    text->append(5000, 'y');
  }
  CHECK(count == 1);
}

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

bool inside(void const* p, unsigned char const* buffer, size_t bytes) {
  return p >= buffer && p < buffer + bytes;
}

TEST_CASE("buffer: the caller's buffer is used first, then the pool") {
  counting_storage source;
  zmm::request_pool pool{source};
  alignas(64) unsigned char buffer[8192];
  {
    request_resource request{buffer, sizeof buffer, pool};
    size_t within_buffer = 0;
    while (inside(request.allocate(64, 8), buffer, sizeof buffer)) ++within_buffer;
    CHECK(within_buffer >= 100);
    CHECK(source.live() > 0);
    request.verify();
    request.release();
    CHECK(inside(request.allocate(64, 8), buffer, sizeof buffer));  // restored
    size_t again = 1;
    while (inside(request.allocate(64, 8), buffer, sizeof buffer)) ++again;
    CHECK(again == within_buffer);
    request.verify();
  }
  CHECK(pool.stats().in_flight == 0);
}

TEST_CASE("buffer: a request that fits takes nothing from the pool") {
  counting_storage source;
  zmm::request_pool pool{source};
  unsigned char buffer[4096 + 1];
  for (int round = 0; round < 5; ++round) {
    request_resource request{buffer + 1, 4096, pool};  // at any alignment
    std::pmr::vector<int> numbers{&request};
    numbers.reserve(500);
    for (int i = 0; i < 500; ++i) numbers.push_back(i);
    CHECK(inside(numbers.data(), buffer, sizeof buffer));
    CHECK(request.real_size() == 0);
  }
  CHECK(source.allocations == 0);
}

TEST_CASE("buffer: no buffer is too small or too odd") {
  zmm::request_pool pool;
  std::vector<unsigned char> memory(5000);
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{7}, size_t{8}, size_t{15}, size_t{63}, size_t{64}, size_t{100}, size_t{4999}})
    for (size_t skip : {size_t{0}, size_t{1}}) {
      if (skip + bytes > memory.size()) continue;
      request_resource request{memory.data() + skip, bytes, pool};
      for (int i = 0; i < 200; ++i) std::memset(request.allocate(40, 8), 1, 40);
      for (int i = 0; i < 20; ++i) std::memset(request.allocate(64, 64), 1, 64);
      request.verify();
    }
  request_resource none{nullptr, 0, pool};
  CHECK(none.allocate(8, 8) != nullptr);
}
}  // namespace
