// thread_heap, the allocator over it and the resource over it: process-wide, any thread, at any time of a thread's life.
#include <zmm/zmm.hpp>

#include "support/random.hpp"
#include "support/scale.hpp"
#include "support/threads.hpp"
#include <atomic>
#include <doctest/doctest.h>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <pthread.h>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

template <class T> using of = zmm::allocator<T>;
template <class T> using traits = std::allocator_traits<zmm::allocator<T>>;
using text = std::basic_string<char, std::char_traits<char>, of<char>>;

static_assert(std::is_empty_v<of<int>> && std::is_trivially_copyable_v<of<int>> && !std::is_final_v<of<int>>);
static_assert(std::is_nothrow_default_constructible_v<of<int>> &&
              std::is_nothrow_constructible_v<of<int>, of<text> const&>);
static_assert(traits<int>::is_always_equal::value);
static_assert(std::is_same_v<traits<int>::rebind_alloc<long>, of<long>>);
static_assert(sizeof(std::vector<int, of<int>>) == sizeof(std::vector<int>), "the allocator takes no room");

TEST_CASE("allocator over thread_heap: all are equal, of any type") {
  CHECK(of<int>{} == of<long>{});
  CHECK_FALSE(of<int>{} != of<text>{});
  CHECK_THROWS_AS((void)of<int>{}.allocate(~size_t{0} / 2), std::bad_array_new_length);
  of<int> a;
  int* const p = a.allocate(10);
  CHECK(zmm::thread_heap::owns(p));
  of<int>{}.deallocate(p, 10);
}

TEST_CASE("allocator over thread_heap: containers of every shape, built here and destroyed in another thread") {
  auto vector = std::make_unique<std::vector<int, of<int>>>();
  auto list = std::make_unique<std::list<text, of<text>>>();
  auto map = std::make_unique<std::map<int, text, std::less<int>, of<std::pair<int const, text>>>>();
  std::unordered_map<int, int, std::hash<int>, std::equal_to<int>, of<std::pair<int const, int>>> hashed;
  size_t const before = zmm::thread_heap::stats().live_blocks;
  for (int i = 0; i < 5000; ++i) {
    vector->push_back(i);
    list->emplace_back(static_cast<size_t>(i) % 200, 'x');
    map->emplace(i, text(static_cast<size_t>(i) % 100, 'y'));
    hashed.emplace(i, i);
  }
  CHECK(zmm::thread_heap::stats().live_blocks > before + 10'000);
  in_a_thread([&, elsewhere = std::move(hashed)]() mutable {
    for (int i = 0; i < 5000; ++i) vector->push_back(i);
    list->remove_if([](text const& t) { return t.size() % 2 == 0; });
    vector.reset();
    list.reset();
    map.reset();
    elsewhere.clear();
    elsewhere.rehash(0);
  });
  hashed = {};
  CHECK(zmm::thread_heap::stats().live_blocks <= before);
  zmm::thread_heap::verify();
}

TEST_CASE("allocator over thread_heap: a shared object is made by one thread and dropped by the last that holds it") {
  size_t const before = zmm::thread_heap::stats().live_blocks;
  std::atomic<size_t> sum{0};
  for (size_t round = 0; round < scaled(50); ++round) {
    std::vector<std::shared_ptr<std::vector<size_t, of<size_t>>>> held(4);
    held[0] = std::allocate_shared<std::vector<size_t, of<size_t>>>(of<int>{}, 100, round);
    for (size_t i = 1; i < held.size(); ++i) held[i] = held[0];
    in_threads(4, [&](size_t thread) {
      sum += (*held[thread])[thread];
      held[thread].reset();
    });
  }
  CHECK(sum > 0);
  CHECK(zmm::thread_heap::stats().live_blocks <= before);
}

TEST_CASE("thread_resource: one resource, equal to itself only, that can be the default") {
  std::pmr::memory_resource* const resource = zmm::thread_resource();
  CHECK(resource == zmm::thread_resource());
  CHECK(resource->is_equal(*resource));
  CHECK_FALSE(resource->is_equal(*std::pmr::new_delete_resource()));
  std::pmr::memory_resource* const old = std::pmr::set_default_resource(resource);
  {
    std::pmr::vector<std::pmr::string> words;
    for (int i = 0; i < 1000; ++i) words.emplace_back("a string that is too long to lie within itself");
    CHECK(zmm::thread_heap::owns(words.data()));
    CHECK(zmm::thread_heap::owns(words.back().data()));
    in_a_thread([moved = std::move(words)]() mutable { moved.erase(moved.begin(), moved.begin() + 500); });
  }
  std::pmr::set_default_resource(old);
  void* const p = resource->allocate(100, 256);
  CHECK(reinterpret_cast<std::uintptr_t>(p) % 256 == 0);
  in_a_thread([&] { resource->deallocate(p, 100, 256); });
  zmm::thread_heap::verify();
}

TEST_CASE("thread_heap: its members are static, and do what those of a heap do") {
  using heap = zmm::thread_heap;
  void* p = heap::allocate(100);
  heap::deallocate(p, 100);
  p = heap::allocate(100, 64);
  CHECK(heap::usable_size(p) >= 100);
  size_t const got = heap::resize_in_place(p, 100, 100, 120);
  CHECK(got >= 100);
  p = heap::reallocate(p, 5000);
  p = heap::reallocate(p, 9000, 100, 16);
  heap::deallocate(p);
  heap::deallocate(nullptr);
  heap::deallocate(nullptr, 8, 8);
  p = heap::try_allocate(7, 1);
  in_a_thread([&] { heap::deallocate(p, 7, 1); });
  CHECK(heap::try_allocate(8, 3) == nullptr);
  CHECK(heap::real_size() <= heap::real_peak());
  CHECK(heap::stats().real_size == heap::real_size());
  (void)heap::collect();
  (void)heap::trim();
  CHECK(heap::limit() == ~size_t{0});
  REQUIRE(heap::set_limit(heap::real_size() + 65536));
  CHECK(heap::try_allocate(size_t{100} << 20) == nullptr);
  CHECK_THROWS_AS((void)heap::allocate(size_t{100} << 20), zmm::memory_limit_exceeded);
  CHECK(heap::remaining() <= 65536);
  REQUIRE(heap::set_limit(~size_t{0}));
  heap::reset_peak();
  heap::verify();
}

// Allocates and frees while its thread ends. Its destructor runs before pthread keys' destructors.
struct ends_with_thread {
  std::vector<text, of<text>> words;
  ~ends_with_thread() {
    for (int i = 0; i < 300; ++i) words.emplace_back(static_cast<size_t>(i) + 100, 'z');
    words.clear();
    std::map<int, int, std::less<int>, of<std::pair<int const, int>>> fresh;
    for (int i = 0; i < 300; ++i) fresh[i] = i;
  }
};

TEST_CASE("thread_heap: thread_local objects allocate and free while their thread ends") {
  size_t const before = zmm::thread_heap::stats().live_blocks;
  for (size_t round = 0; round < scaled(20); ++round)
    in_threads(8, [&](size_t thread) {
      static thread_local ends_with_thread first;
      first.words.emplace_back(1000, 'a');
      if (thread % 2 == 0) {
        static thread_local ends_with_thread second;
        second.words.emplace_back(50, 'b');
      }
    });
  CHECK(zmm::thread_heap::stats().live_blocks <= before);
  zmm::thread_heap::verify();
}

// A key whose destructor frees what the key holds, allocates anew, and so comes round again, as often as POSIX allows.
struct key_block {
  size_t rounds;
};
pthread_key_t late_key;
void late_destructor(void* held) {
  size_t const rounds = static_cast<key_block*>(held)->rounds;
  zmm::thread_heap::deallocate(held, sizeof(key_block), alignof(key_block));
  void* const other = zmm::thread_heap::allocate(3000 + rounds);
  zmm::thread_heap::deallocate(other);
  if (rounds == 0) return;
  auto* const next = static_cast<key_block*>(zmm::thread_heap::allocate(sizeof(key_block), alignof(key_block)));
  next->rounds = rounds - 1;
  pthread_setspecific(late_key, next);
}

TEST_CASE("thread_heap: destructors of pthread keys free and allocate after the thread's heap was given up") {
  zmm::thread_heap::deallocate(zmm::thread_heap::allocate(1));  // whatever key zmm has is older than this one
  REQUIRE(pthread_key_create(&late_key, &late_destructor) == 0);
  size_t const before = zmm::thread_heap::stats().live_blocks, real = zmm::thread_heap::real_size();
  for (size_t round = 0; round < scaled(100); ++round)
    in_threads(4, [&](size_t thread) {
      auto* const block = static_cast<key_block*>(zmm::thread_heap::allocate(sizeof(key_block), alignof(key_block)));
      // ThreadSanitizer gives a thread up in the last round of its keys' destructors, and crashes on what runs after that.
      block->rounds = thread % (under_thread_sanitizer ? 2 : 3);
      pthread_setspecific(late_key, block);
    });
  pthread_key_delete(late_key);
  CHECK(zmm::thread_heap::stats().live_blocks <= before);
  CHECK(zmm::thread_heap::real_size() <= real + (size_t{20} << 20));  // no thread left a heap that nobody finds
  zmm::thread_heap::verify();
}

TEST_CASE("thread_heap: beside an instance, which it is not") {
  zmm::synchronized_heap instance;
  void* const a = instance.allocate(64);
  void* const b = zmm::thread_heap::allocate(64);
  CHECK_FALSE(zmm::thread_heap::owns(a));
  CHECK_FALSE(instance.owns(b));
  in_a_thread([&] {
    instance.deallocate(a, 64);
    zmm::thread_heap::deallocate(b, 64);
  });
  CHECK(instance.stats().live_blocks == 0);
}
}  // namespace
