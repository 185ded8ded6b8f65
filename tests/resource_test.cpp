// resource<Heap>: any engine behind std::pmr::memory_resource.
#include <zmm/debug.hpp>
#include <zmm/hardened.hpp>
#include <zmm/resource.hpp>
#include <zmm/segment_resource.hpp>
#include <zmm/storage/resource_storage.hpp>

#include "support/checking_storage.hpp"
#include "support/counting_storage.hpp"
#include <doctest/doctest.h>
#include <deque>
#include <list>
#include <map>
#include <memory_resource>
#include <numeric>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

TEST_CASE("resource: a final memory_resource, neither copyable nor movable") {
  using r = zmm::heap_resource;
  static_assert(std::is_base_of_v<std::pmr::memory_resource, r> && std::is_final_v<r>);
  static_assert(!std::is_copy_constructible_v<r> && !std::is_move_constructible_v<r>);
  static_assert(!std::is_copy_assignable_v<r> && !std::is_move_assignable_v<r>);
  static_assert(std::is_same_v<r, zmm::resource<zmm::heap>>);
  static_assert(std::is_same_v<zmm::request_resource, zmm::resource<zmm::request_heap>>);
  static_assert(!std::is_constructible_v<r, int>);
}

struct holder {  // an aggregate with a member that is not said
  int id;
  zmm::heap engine;
  zmm::heap_resource face;
  zmm::request_heap request_engine;
  zmm::request_resource request_face;
  zmm::synchronized_heap shared;
  zmm::synchronized_resource shared_face;
  zmm::segment_heap segments;
  zmm::segment_resource segment_face;
  zmm::hardened_request_resource hardened;
  zmm::request_pool pool;
};

TEST_CASE("resource: default-constructed without arguments") {
  holder made{7, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
  CHECK(made.id == 7);
  zmm::heap_resource several[2] = {};
  CHECK(several[0] != several[1]);
  for (zmm::heap_resource& r : several) r.deallocate(r.allocate(100), 100);
}

TEST_CASE("resource: equal only to itself") {
  zmm::heap_resource a, b;
  std::pmr::memory_resource& base = a;
  CHECK(base.is_equal(a));
  CHECK_FALSE(base.is_equal(b));
  CHECK(a == a);
  CHECK(a != b);
  CHECK_FALSE(base.is_equal(*std::pmr::new_delete_resource()));
}

// Work with containers of containers over `memory`; everything is destroyed at the end.
void use_containers(std::pmr::memory_resource* memory) {
  std::pmr::vector<std::pmr::string> words{memory};
  std::pmr::map<std::pmr::string, int> counts{memory};
  std::pmr::unordered_map<int, std::pmr::vector<double>> table{memory};
  std::pmr::list<int> numbers{memory};
  std::pmr::deque<long> queue{memory};
  std::pmr::set<unsigned> seen{memory};
  for (int i = 0; i < 2000; ++i) {
    words.emplace_back("a word that does not fit into the string itself");
    words.back() += std::to_string(i);
    ++counts[words.back()];
    table[i % 50].push_back(i);
    numbers.push_front(i);
    queue.push_back(i);
    seen.insert(static_cast<unsigned>(i * 7919) % 1000);
    if (i % 3 == 0) numbers.pop_back();
    if (i % 5 == 0) queue.pop_front();
  }
  std::pmr::vector<std::pmr::string> copy{words, memory};
  words.erase(words.begin(), words.begin() + 500);
  words.swap(copy);
  std::pmr::vector<std::pmr::string> moved{std::move(copy)};
  CHECK(words.size() == 2000);
  CHECK(moved.size() == 1500);
  CHECK(counts.size() == 2000);
  CHECK(std::accumulate(queue.begin(), queue.end(), 0L) > 0);
  CHECK(words.get_allocator().resource() == memory);
}

TEST_CASE_TEMPLATE("resource: standard containers over a heap leave nothing behind", Resource, zmm::heap_resource,
                   zmm::segment_resource, zmm::hardened_segment_resource, zmm::debug_segment_resource) {
  checking_storage source;
  Resource resource{source};
  for (int round = 0; round < 3; ++round) {
    use_containers(&resource);
    CHECK(resource.stats().size == 0);
    CHECK(resource.stats().live_blocks == 0);
    resource.verify();
  }
}

TEST_CASE("resource: standard containers over a request leave nothing behind") {
  checking_storage source;
  zmm::request_pool pool{source};
  zmm::request_resource request{pool};
  for (int round = 0; round < 3; ++round) {
    use_containers(&request);
    CHECK(request.stats().size == 0);
    request.verify();
    request.release();
  }
}

TEST_CASE_TEMPLATE("resource: as the upstream of the standard resources", Resource, zmm::heap_resource,
                   zmm::segment_resource) {
  Resource resource;
  {
    std::pmr::unsynchronized_pool_resource pool{&resource};
    use_containers(&pool);
  }
  {
    std::pmr::monotonic_buffer_resource arena{&resource};
    use_containers(&arena);
  }
  CHECK(resource.stats().size == 0);
  resource.verify();
}

TEST_CASE_TEMPLATE("resource: over another resource, through a resource_storage", Resource, zmm::heap_resource,
                   zmm::segment_resource) {
  Resource outer;
  zmm::resource_storage storage{&outer};
  {
    Resource inner{storage};
    use_containers(&inner);
  }
  CHECK(outer.stats().size == 0);
}

TEST_CASE("resource: the engine and its face are one") {
  counting_storage source;
  zmm::heap_resource resource{source};
  void* p = resource.allocate(100);
  CHECK(resource.heap().owns(p));
  CHECK(resource.stats().live_blocks == 1);
  CHECK(resource.real_size() == resource.heap().real_size());
  resource.heap().deallocate(p);
  CHECK(resource.stats().live_blocks == 0);
  zmm::heap_resource const& reader = resource;
  CHECK(reader.heap().real_size() == source.live());
  CHECK(reader.real_peak() >= reader.real_size());
  resource.reset_peak();
  CHECK(reader.real_peak() == reader.real_size());
}

TEST_CASE_TEMPLATE("resource: allocation through the base honours size and alignment", Resource, zmm::heap_resource,
                   zmm::segment_resource, zmm::hardened_segment_resource) {
  Resource resource;
  std::pmr::memory_resource& base = resource;
  for (size_t alignment = 1; alignment <= 1 << 16; alignment *= 2)
    for (size_t bytes : {size_t{0}, size_t{1}, size_t{100}, size_t{5000}}) {
      void* p = base.allocate(bytes, alignment);
      CHECK(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
      base.deallocate(p, bytes, alignment);
    }
  CHECK(resource.stats().size == 0);
}

TEST_CASE("resource: a limit met in the middle of a container leaves container and heap usable") {
  zmm::request_resource request;
  std::pmr::vector<std::pmr::string> words{&request};
  REQUIRE(request.set_limit(256 * 1024));
  size_t added = 0;
  bool refused = false;
  try {
    for (;; ++added) words.emplace_back("a word that does not fit into the string itself, and some more");
  } catch (zmm::memory_limit_exceeded const& e) {
    refused = e.limit() == 256 * 1024;
  }
  CHECK(refused);
  CHECK(words.size() == added);
  CHECK(words.back().size() > 20);
  request.verify();
  words.clear();
  words.shrink_to_fit();
  words.emplace_back("a word that does not fit into the string itself");
  request.verify();
}

TEST_CASE("resource: release drops everything, containers made with create go first") {
  zmm::request_resource request;
  auto* words = request.create<std::pmr::vector<std::pmr::string>>();
  for (int i = 0; i < 1000; ++i) words->emplace_back(static_cast<size_t>(i), 'x');
  request.release();
  CHECK(request.stats().size == 0);
  use_containers(&request);
}
}  // namespace
