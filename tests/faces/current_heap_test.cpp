// The current heap of a thread: what default-constructed allocators refer to.
#include <zmm/zmm.hpp>

#include "../support/stop_recorder.hpp"
#include <cstddef>
#include <doctest/doctest.h>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {
using std::size_t;
template <class T, class Heap = zmm::heap> using of = zmm::allocator<T, Heap>;

#define EVERY_ENGINE                                                                                                   \
  zmm::heap, zmm::request_heap, zmm::synchronized_heap, zmm::hardened_heap, zmm::hardened_request_heap,                \
      zmm::hardened_synchronized_heap, zmm::debug_heap, zmm::debug_request_heap, zmm::debug_synchronized_heap,         \
      zmm::segment_heap, zmm::hardened_segment_heap, zmm::debug_segment_heap

TEST_CASE_TEMPLATE("current heap: a default-constructed allocator refers to it, for good", Heap, EVERY_ENGINE) {
  Heap outer, inner;
  std::vector<int, of<int, Heap>> kept;
  {
    zmm::use_heap_of<Heap> scope{outer};
    std::vector<int, of<int, Heap>> v;
    {
      zmm::use_heap_of nested{inner};
      of<long, Heap> a;
      CHECK(&a.heap() == &inner);
      v.assign(1000, 7);  // bound where it was made
    }
    CHECK(&v.get_allocator().heap() == &outer);
    CHECK(outer.stats().live_blocks == 1);
    CHECK(inner.stats().live_blocks == 0);
    of<char, Heap> b;
    CHECK(&b.heap() == &outer);
    kept = std::move(v);
  }
  CHECK(kept.size() == 1000);
  CHECK(&kept.get_allocator().heap() == &outer);  // propagates on moves, as always
}

TEST_CASE_TEMPLATE("current heap: without one an allocator is bound to nothing", Heap, EVERY_ENGINE) {
  of<int, Heap> a;
  of<double, Heap> b;
  CHECK(a == b);
  CHECK_THROWS_AS((void)a.allocate(1), zmm::no_current_heap);
  CHECK_THROWS_AS((void)b.allocate(5000), std::bad_alloc);
  CHECK_THROWS_AS((void)b.allocate(size_t{1} << 22), zmm::no_current_heap);
  CHECK_THROWS_AS((void)a.allocate_at_least(3), zmm::no_current_heap);
  CHECK_THROWS_AS((void)(of<char, Heap>{}.allocate(1)), zmm::no_current_heap);
  struct alignas(256) wide {
    char bytes[256];
  };
  CHECK_THROWS_AS((void)(of<wide, Heap>{}.allocate(2)), zmm::no_current_heap);
  CHECK_THROWS_AS((void)a.allocate(~size_t{0} / 2), std::bad_array_new_length);
  zmm::block_chain<int> chain;
  CHECK_THROWS_AS(a.allocate_individual(10, chain), zmm::no_current_heap);
  CHECK(chain.size() == 0);
  size_t preferred = 20;
  int* none = nullptr;
  CHECK_THROWS_AS((void)a.allocation_command(1, 10, preferred, none), zmm::no_current_heap);  // allocate_new
  CHECK(a.allocation_command(1 | 16, 10, preferred, none) == nullptr);                        // and nothrow
  CHECK(a.heap().try_allocate(8) == nullptr);
  CHECK_THROWS_AS((void)a.heap().allocate(0), zmm::no_current_heap);

  // What is made with a heap may still be copied and moved to; an empty container of nobody's needs no heap.
  Heap heap;
  std::vector<int, of<int, Heap>> empty, full{3, 1, of<int, Heap>{heap}};
  empty = std::move(full);
  CHECK(empty.size() == 3);
  CHECK(&empty.get_allocator().heap() == &heap);
  CHECK(std::string(zmm::no_current_heap{}.what()).find("use_heap_of") != std::string::npos);
}

TEST_CASE("current heap: types are told apart") {
  zmm::heap heap;
  zmm::hardened_heap hardened;
  zmm::use_heap_of first{heap};
  zmm::use_heap_of second{hardened};
  CHECK(&of<int>{}.heap() == &heap);
  CHECK(&of<int, zmm::hardened_heap>{}.heap() == &hardened);
  CHECK_THROWS_AS((void)(of<int, zmm::synchronized_heap>{}.allocate(1)), zmm::no_current_heap);
}

struct derived_options : zmm::default_options {};
template <class Options> struct template_of_ours {};

TEST_CASE("current heap: kinds of two objects that hide their symbols agree by name, if all of the type is zmm's") {
  using zmm::detail::are_same_kind;
  using zmm::detail::heap_kind;
  auto const in_another_object = [](heap_kind const& kind) { return heap_kind{kind.name}; };
  for (heap_kind const* kind :
       {&zmm::detail::kind_of<zmm::heap>, &zmm::detail::kind_of<zmm::request_heap>, &zmm::detail::kind_of<zmm::mm_heap>,
        &zmm::detail::kind_of<zmm::debug_heap>, &zmm::detail::kind_of<zmm::hardened_synchronized_heap>,
        &zmm::detail::kind_of<zmm::segment_heap>, &zmm::detail::kind_of<zmm::debug_segment_heap>,
        &zmm::detail::kind_of<zmm::basic_heap<zmm::sampled_options>>})
    CHECK(are_same_kind(*kind, in_another_object(*kind)));
  CHECK_FALSE(are_same_kind(zmm::detail::kind_of<zmm::heap>, zmm::detail::kind_of<zmm::debug_heap>));

  struct local : zmm::default_options {};
  for (heap_kind const* kind :
       {&zmm::detail::kind_of<zmm::basic_heap<local>>, &zmm::detail::kind_of<zmm::basic_heap<derived_options>>,
        &zmm::detail::kind_of<template_of_ours<zmm::default_options>>}) {
    CHECK(are_same_kind(*kind, *kind));
    CHECK_FALSE(are_same_kind(*kind, in_another_object(*kind)));
  }
}

TEST_CASE("current heap: scopes may end in any order") {
  zmm::heap a, b, c;
  auto first = std::make_unique<zmm::use_heap_of<zmm::heap>>(a);
  auto second = std::make_unique<zmm::use_heap_of<zmm::heap>>(b);
  auto third = std::make_unique<zmm::use_heap_of<zmm::heap>>(c);
  second.reset();
  CHECK(&of<int>{}.heap() == &c);
  third.reset();
  CHECK(&of<int>{}.heap() == &a);
  first.reset();
  CHECK_THROWS_AS((void)of<int>{}.allocate(1), zmm::no_current_heap);
}

TEST_CASE("current heap: each thread has its own") {
  zmm::heap mine;
  zmm::use_heap_of scope{mine};
  std::vector<std::thread> threads;
  std::vector<int> fine(4);
  for (size_t t = 0; t < fine.size(); ++t)
    threads.emplace_back([&fine, t] {
      bool threw = false;
      try {
        (void)of<int>{}.allocate(1);
      } catch (zmm::no_current_heap const&) { threw = true; }
      zmm::heap own;
      zmm::use_heap_of inner{own};
      std::list<int, of<int>> l(100, 1);
      fine[t] = threw && own.stats().live_blocks == 100;
    });
  for (std::thread& t : threads) t.join();
  for (int const f : fine) CHECK(f);
  CHECK(&of<int>{}.heap() == &mine);
  CHECK(mine.stats().live_blocks == 0);
}

TEST_CASE("current heap: map[key] default-constructs its values") {
  zmm::heap heap;
  zmm::use_heap_of scope{heap};
  using text = std::basic_string<char, std::char_traits<char>, of<char>>;
  std::map<int, text, std::less<>, of<std::pair<int const, text>>> ordered;
  std::unordered_map<int, text, std::hash<int>, std::equal_to<>, of<std::pair<int const, text>>> hashed;
  for (int i = 0; i < 100; ++i) {
    ordered[i] = "a text that is too long for the string itself";
    hashed[i] = ordered[i];
  }
  CHECK(&ordered[1].get_allocator().heap() == &heap);
  CHECK(&hashed[2].get_allocator().heap() == &heap);
  CHECK(heap.stats().live_blocks >= 400);
}

// As std::function once did, and many a task queue does: the allocator is a type, and made anew for each call.
template <class Result, template <class> class Allocator> class small_function {
public:
  template <class F> explicit small_function(F f) : calls_(&call<F>), ends_(&end<F>) {
    Allocator<F> allocator;
    callee_ = ::new (static_cast<void*>(allocator.allocate(1))) F(std::move(f));
  }
  small_function(small_function const&) = delete;
  small_function& operator=(small_function const&) = delete;
  ~small_function() { ends_(callee_); }
  Result operator()() { return calls_(callee_); }

private:
  template <class F> static Result call(void* f) { return (*static_cast<F*>(f))(); }
  template <class F> static void end(void* f) {
    static_cast<F*>(f)->~F();
    Allocator<F>().deallocate(static_cast<F*>(f), 1);
  }
  void* callee_ = nullptr;
  Result (*calls_)(void*);
  void (*ends_)(void*);
};
template <class T> using of_heap = of<T>;

TEST_CASE("current heap: code whose allocators are made anew for each call") {
  zmm::heap heap;
  zmm::use_heap_of scope{heap};
  {
    int n = 41;
    small_function<int, of_heap> f{[n] { return n + 1; }};
    CHECK(f() == 42);
    CHECK(heap.stats().live_blocks == 1);
  }
  CHECK(heap.stats().live_blocks == 0);
  heap.verify();
}

TEST_CASE_TEMPLATE("current heap: a block that is freed through an allocator bound to nothing stops the program", Heap,
                   EVERY_ENGINE) {
  Heap heap;
  of<int, Heap> bound{heap};
  int* const some = bound.allocate(100);
  int* const one = bound.allocate(1);
  zmm_test::child_result const told = zmm_test::run_in_child([&] {
    size_t volatile count = 100;
    of<int, Heap>{}.deallocate(some, count);
  });
  CHECK(told.stopped);
  CHECK(told.what == "an allocator that is bound to no heap frees nothing");
  // Of a constant size: at the latest when the next allocator is made.
  zmm_test::child_result const constant = zmm_test::run_in_child([&] {
    of<int, Heap>{}.deallocate(one, 1);
    (void)of<int, Heap>{};
  });
  CHECK(constant.stopped);
  CHECK(constant.what == "an allocator that is bound to no heap frees nothing");
  bound.deallocate(one, 1);
  bound.deallocate(some, 100);
}

TEST_CASE("current heap: a scope that ends on another thread stops the program") {
  zmm_test::child_result const told = zmm_test::run_in_child([] {
    zmm::heap heap;
    auto scope = std::make_unique<zmm::use_heap_of<zmm::heap>>(heap);
    std::thread{[&] { scope.reset(); }}.join();
  });
  CHECK(told.what == "the scope of a current heap ends on the thread it began on");
}

static_assert(!std::is_copy_constructible_v<zmm::use_heap_of<zmm::heap>>);
static_assert(!std::is_copy_assignable_v<zmm::use_heap_of<zmm::heap>>);
static_assert(std::is_base_of_v<std::bad_alloc, zmm::no_current_heap>);
static_assert(std::is_nothrow_default_constructible_v<of<int>>);
static_assert(std::is_empty_v<zmm::allocator<int>>);
}  // namespace
