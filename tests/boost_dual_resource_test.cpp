// dual_resource: one heap behind std::pmr and Boost's pmr at once.
#include <zmm/boost.hpp>

#include "support/checking_storage.hpp"
#include "support/engines.hpp"
#include "support/random.hpp"
#include "support/scale.hpp"
#include <boost/container/pmr/map.hpp>
#include <boost/container/pmr/string.hpp>
#include <boost/container/pmr/vector.hpp>
#include <boost/json.hpp>
#include <doctest/doctest.h>
#include <map>
#include <string>
#include <vector>

namespace {
using std::size_t;
namespace bc = boost::container;
namespace json = boost::json;
using request = zmm::dual_resource<zmm::request_heap>;

static_assert(std::is_final_v<request>);
static_assert(std::is_base_of_v<std::pmr::memory_resource, request>);
static_assert(std::is_base_of_v<bc::pmr::memory_resource, request>);
static_assert(!std::is_copy_constructible_v<request> && !std::is_move_constructible_v<request>);
static_assert(std::is_nothrow_constructible_v<request>);
static_assert(!std::is_constructible_v<request, char const*>);
static_assert(sizeof(zmm::dual_resource<zmm::heap>) == sizeof(zmm::heap_resource) + sizeof(void*));

bool is_aligned(void const* p, size_t alignment) { return reinterpret_cast<std::uintptr_t>(p) % alignment == 0; }

TEST_CASE("dual resource: equal only to itself, in both worlds") {
  zmm::dual_resource<zmm::heap> a, b;
  std::pmr::memory_resource& as_std = a;
  bc::pmr::memory_resource& as_boost = a;
  CHECK(as_std.is_equal(a));
  CHECK(as_boost.is_equal(a));
  CHECK_FALSE(as_std.is_equal(b));
  CHECK_FALSE(as_boost.is_equal(b));
  CHECK(a.is_equal(a));
  CHECK(a == a);
  CHECK(a != b);
  CHECK(as_std == a);
  CHECK(as_boost != b);
}

template <class Heap> void documents(zmm::dual_resource<Heap>& resource) {
  {
    std::pmr::map<std::pmr::string, std::pmr::vector<int>> numbers{&resource};
    bc::pmr::vector<bc::pmr::string> words{&resource};
    json::value document = json::parse(R"({"orders":[1,2,3],"customer":"a name too long to fit in place"})", &resource);
    for (int i = 0; i < 500; ++i) {
      numbers["a key too long for the string itself " + std::pmr::string(std::to_string(i), &resource)].push_back(i);
      words.emplace_back("a word too long for the string itself");
      document.at("orders").as_array().push_back(i);
    }
    CHECK(numbers.begin()->second.get_allocator().resource() == &resource);
    CHECK(words.back().get_allocator().resource() == &resource);
    CHECK(document.storage().get() == &resource);
    CHECK(document.at("orders").as_array().size() == 503);
    CHECK(resource.stats().live_blocks > 1500);
    resource.verify();
  }
  CHECK(resource.stats().size == 0);
  resource.verify();
}

TEST_CASE("dual resource: containers of both worlds and JSON share one heap") {
  zmm_test::checking_storage source;
  zmm::dual_resource<zmm::heap> heap{source};
  documents(heap);
  zmm::request_pool pool{source};
  request arena{pool};
  documents(arena);
}

// Allocated through one of the faces, freed through another, with the size and alignment it was allocated with.
template <class Heap> void faces_mix(zmm::dual_resource<Heap>& resource, std::uint64_t seed) {
  struct block {
    void* at;
    size_t bytes, alignment;
  };
  std::pmr::memory_resource& as_std = resource;
  bc::pmr::memory_resource& as_boost = resource;
  zmm_test::random_source random{seed};
  std::vector<block> live;
  auto const take = [&](size_t bytes, size_t alignment) -> void* {
    switch (random.below(4)) {
    case 0: return as_std.allocate(bytes, alignment);
    case 1: return as_boost.allocate(bytes, alignment);
    case 2: return resource.try_allocate(bytes, alignment);
    default: return resource.allocate(bytes, alignment);
    }
  };
  auto const give = [&](block b) {
    switch (random.below(3)) {
    case 0: return as_std.deallocate(b.at, b.bytes, b.alignment);
    case 1: return as_boost.deallocate(b.at, b.bytes, b.alignment);
    default: return resource.deallocate(b.at, b.bytes, b.alignment);
    }
  };
  for (size_t i = 0; i < zmm_test::scaled(20000); ++i) {
    if (live.empty() || random.below(100) < 52) {
      size_t const bytes = random.below(random.one_in(20) ? 20000 : 200), alignment = size_t{1} << random.below(8);
      void* const p = take(bytes, alignment);
      REQUIRE(is_aligned(p, alignment));
      CHECK(is_aligned(p, 16));
      live.push_back({p, bytes, alignment});
    } else {
      std::swap(live[random.below(live.size())], live.back());
      if (random.one_in(4)) {
        size_t& bytes = live.back().bytes;
        size_t const wanted = bytes + random.below(300);
        if (size_t const got = resource.resize_in_place(live.back().at, bytes, wanted, wanted * 2)) {
          CHECK(got >= wanted);
          bytes = random.between(wanted, got);
        }
      }
      give(live.back());
      live.pop_back();
    }
    if (i % 4096 == 0) resource.verify();
  }
  CHECK(resource.stats().live_blocks == live.size());
  for (block b : live) give(b);
  CHECK(resource.stats().size == 0);
  resource.verify();
}

TEST_CASE_TEMPLATE("dual resource: a block of one face may be freed through any", Heap, zmm::heap, zmm::request_heap,
                   zmm::basic_heap<zmm_test::small_exact>, zmm::basic_request_heap<zmm_test::wide_slots>) {
  zmm::dual_resource<Heap> resource;
  for (std::uint64_t seed = 0; seed < 4; ++seed) faces_mix(resource, seed);
}

TEST_CASE("dual resource: an alignment that is no power of two is refused by every face") {
  zmm::dual_resource<zmm::heap> resource;
  std::pmr::memory_resource& as_std = resource;
  zmm::boost_resource<zmm::heap> view{resource.heap()};
  for (unsigned alignment : {0u, 3u, 6u, 7u, 12u, 15u, 17u, 24u}) {
    CAPTURE(alignment);
    CHECK_THROWS_AS((void)resource.allocate(10, alignment), std::bad_alloc);
    CHECK_THROWS_AS((void)as_std.allocate(10, alignment), std::bad_alloc);
    CHECK_THROWS_AS((void)view.allocate(10, alignment), std::bad_alloc);
    CHECK(resource.try_allocate(10, alignment) == nullptr);
  }
  CHECK(resource.stats().live_blocks == 0);
}

TEST_CASE("dual resource: create passes itself on to types of both worlds") {
  request arena;
  auto* of_std = arena.create<std::pmr::vector<std::pmr::string>>(size_t{3}, "a string too long for the string itself");
  auto* of_boost = arena.create<bc::pmr::map<int, bc::pmr::string>>();
  auto* document = arena.create<json::value>(json::parse(R"([1, "two", null])"));
  auto* plain = arena.create<int>(7);
  (*of_boost)[1] = "another string too long for the string itself";
  CHECK(of_std->get_allocator().resource() == &arena);
  CHECK(of_std->back().get_allocator().resource() == &arena);
  CHECK(of_boost->get_allocator().resource() == &arena);
  CHECK(of_boost->begin()->second.get_allocator().resource() == &arena);
  CHECK(document->storage().get() == &arena);
  CHECK(document->as_array().size() == 3);
  CHECK(*plain == 7);
  arena.release();
  CHECK(arena.stats().size == 0);
}

TEST_CASE("dual resource: what runs at the end still allocates through both faces") {
  bool ended = false;
  {
    request arena;
    arena.on_end([&] {
      std::pmr::vector<int> numbers(1000, 1, &arena);
      bc::pmr::vector<int> more(1000, 1, &arena);
      ended = numbers == std::pmr::vector<int>(more.begin(), more.end(), &arena);
    });
  }
  CHECK(ended);
}

TEST_CASE("dual resource: nests in resources of either kind, and they in it") {
  zmm::request_resource outer;
  request middle{zmm::within, outer};
  request inner{zmm::within, middle};
  zmm::request_resource innermost{zmm::within, inner};
  void* p = innermost.allocate(100);
  CHECK(outer.real_size() == innermost.real_size());
  innermost.deallocate(p, 100);
  outer.release();
  CHECK(inner.real_size() == 0);
}

TEST_CASE("dual resource: limits, hooks and lifts are the engine's") {
  request arena;
  size_t asked = 0;
  arena.on_limit([](void* user, size_t) noexcept { return ++*static_cast<size_t*>(user), false; }, &asked);
  REQUIRE(arena.set_limit(64 * 1024));
  CHECK_THROWS_AS((void)json::parse("[" + std::string(40000, '7') + ",\"" + std::string(80000, 'x') + "\"]", &arena),
                  zmm::memory_limit_exceeded);
  CHECK(asked > 0);
  {
    zmm::limit_lift lift{arena};
    void* p = arena.allocate(1 << 20);
    arena.deallocate(p, 1 << 20);
  }
  CHECK(arena.stats().size == 0);
  arena.verify();
}
}  // namespace
