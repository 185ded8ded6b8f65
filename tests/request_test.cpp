// request_resource as programs use it: objects made in it, and hooks at its end.
#include <zmm/request_resource.hpp>

#include "support/counting_storage.hpp"
#include <doctest/doctest.h>
#include <cstring>
#include <map>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <string>
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

TEST_CASE("create: an allocator behind, arguments are forwarded") {
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
    auto* text = request.create<std::pmr::string>(size_t{1000}, 'x');
    text->append(5000, 'y');
  }
  CHECK(count == 1);
}
}  // namespace
