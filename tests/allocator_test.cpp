// allocator<T, Heap>: bound to a heap, and where it goes when containers are copied, moved and swapped.
#include <zmm/allocator.hpp>
#include <zmm/debug.hpp>
#include <zmm/hardened.hpp>

#include "support/checking_storage.hpp"
#include "support/engines.hpp"
#include <doctest/doctest.h>
#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

template <class T, class Heap = zmm::heap> using alloc = zmm::allocator<T, Heap>;
template <class T, class Heap = zmm::heap> using vector = std::vector<T, alloc<T, Heap>>;
using list = std::list<int, alloc<int>>;
using map = std::map<int, int, std::less<>, alloc<std::pair<int const, int>>>;
using string = std::basic_string<char, std::char_traits<char>, alloc<char>>;

TEST_CASE("allocator: traits") {
  using a = alloc<int>;
  using traits = std::allocator_traits<a>;
  static_assert(!traits::is_always_equal::value);
  static_assert(traits::propagate_on_container_move_assignment::value && traits::propagate_on_container_swap::value);
  static_assert(!traits::propagate_on_container_copy_assignment::value);
  static_assert(sizeof(a) == sizeof(void*) && !std::is_final_v<a>);
  static_assert(std::is_nothrow_copy_constructible_v<a> && std::is_nothrow_move_constructible_v<a>);
  static_assert(std::is_nothrow_copy_assignable_v<a> && std::is_nothrow_move_assignable_v<a>);
  static_assert(std::is_nothrow_default_constructible_v<a>);  // bound to the current heap, or to none
  static_assert(std::is_same_v<traits::rebind_alloc<long>, alloc<long>>);
  static_assert(std::is_same_v<traits::pointer, int*> && std::is_same_v<traits::value_type, int>);
  static_assert(std::is_nothrow_move_constructible_v<vector<int>> && std::is_nothrow_move_assignable_v<vector<int>>);
  using other_heap = alloc<int, zmm::request_heap>;
  static_assert(!std::is_constructible_v<a, other_heap const&>);
}

template <template <class> class A> struct bases : A<int>, A<char> {
  void* rest;
};
template <class T> using of_process = zmm::allocator<T>;
template <class T> struct named : zmm::allocator<T> {  // derives, and has state of its own
  using version = std::integral_constant<unsigned, 1>;
  template <class U> struct rebind { using other = named<U>; };
  int tag = 0;
  size_t* calls = nullptr;
  named(int t, size_t* c) : tag(t), calls(c) {}
  template <class U> named(named<U> const& o) noexcept : zmm::allocator<T>(o), tag(o.tag), calls(o.calls) {}
  T* allocate(size_t n) {
    ++*calls;
    return zmm::allocator<T>::allocate(n);
  }
  void allocate_at_least(size_t) = delete;
};
template <class A, class = void> constexpr bool has_at_least = false;
template <class A>
constexpr bool has_at_least<A, decltype(static_cast<void>(std::declval<A&>().allocate_at_least(1)))> = true;

TEST_CASE("allocator: without a named engine it takes no room, whatever it is a base of") {
  static_assert(sizeof(bases<of_process>) == sizeof(bases<std::allocator>));
  static_assert(sizeof(std::tuple<zmm::allocator<int>, zmm::allocator<char>, int*>) == sizeof(int*));
  static_assert(sizeof(std::vector<int, zmm::allocator<int>>) == sizeof(std::vector<int>));
}

TEST_CASE("allocator: what derives from one is what a copied container has, and sees every call if it says so") {
  size_t calls = 0;
  std::vector<int, named<int>> v(3, 7, named<int>(42, &calls));
  auto const copy = v;
  CHECK(copy.get_allocator().tag == 42);
  CHECK(calls == 2);
  static_assert(has_at_least<zmm::allocator<int>> && !has_at_least<named<int>>);
}

template <class Heap> void free_nothing(Heap& heap) {
  zmm::allocator<long, Heap> a{heap};
  a.deallocate(nullptr, 0);
  CHECK(heap.stats().live_blocks == 0);
}
TEST_CASE("allocator: no block of no objects is freed without effect") {
  zmm::heap heap;
  zmm::request_heap request;
  zmm::debug_heap debug;
  zmm::debug_request_heap debug_request;
  zmm::hardened_heap hardened;
  zmm::hardened_request_heap hardened_request;
  zmm::synchronized_heap synchronized;
  zmm::segment_heap segments;
  zmm::debug_segment_heap debug_segments;
  zmm::hardened_segment_heap hardened_segments;
  zmm::basic_segment_heap<zmm_test::small_exact> exact_segments;
  free_nothing(heap);
  free_nothing(request);
  free_nothing(debug);
  free_nothing(debug_request);
  free_nothing(hardened);
  free_nothing(hardened_request);
  free_nothing(synchronized);
  free_nothing(segments);
  free_nothing(debug_segments);
  free_nothing(hardened_segments);
  free_nothing(exact_segments);
  zmm::allocator<long>{}.deallocate(nullptr, 0);
}

TEST_CASE("allocator: a lift through it is one of its engine") {
  zmm::heap heap;
  REQUIRE(heap.set_limit(0));
  alloc<int> const a{heap};
  {
    zmm::limit_lift const lift{a};
    CHECK(heap.try_allocate(1) != nullptr);
  }
  CHECK(heap.try_allocate(5000000) == nullptr);
}

TEST_CASE("allocator: equal across types exactly when the heap is one") {
  zmm::heap one, two;
  alloc<int> a{one};
  alloc<long> b{a};
  alloc<void> nothing{b};
  alloc<char> c{two};
  CHECK(a == b);
  CHECK_FALSE(a != b);
  CHECK(b == nothing);
  CHECK(alloc<int>{nothing} == a);
  CHECK(a != c);
  CHECK_FALSE(a == c);
  CHECK(&b.heap() == &one);
}

TEST_CASE("allocator: blocks come from its heap and go back") {
  zmm::heap heap;
  alloc<double> a{heap};
  double* p = a.allocate(100);
  CHECK(heap.owns(p));
  CHECK(heap.usable_size(p) >= 800);
  a.deallocate(p, 100);
  CHECK(heap.stats().size == 0);
  double* none = a.allocate(0);
  CHECK(none != nullptr);
  a.deallocate(none, 0);
  CHECK(heap.stats().size == 0);
}

struct alignas(128) wide { unsigned char bytes[200]; };

TEST_CASE("allocator: over-aligned types") {
  zmm::heap heap;
  vector<wide> v{heap};
  list numbers{heap};
  for (int i = 0; i < 300; ++i) {
    v.emplace_back();
    numbers.push_back(i);
    CHECK(reinterpret_cast<std::uintptr_t>(&v.back()) % 128 == 0);
  }
  heap.verify();
}

// Two containers over one heap or two; after each operation the elements lie where their allocator says.
template <class Container, class Fill> void propagation(Fill fill) {
  checking_storage source;
  zmm::heap one{source}, two{source};
  auto const lives_in = [](Container const& c, zmm::heap const& heap) { return &c.get_allocator().heap() == &heap; };
  SUBCASE("copies keep the heap") {
    Container a{one};
    fill(a, 300);
    Container b{a};
    CHECK(lives_in(b, one));
    CHECK(a == b);
    Container c{a, two};
    CHECK(lives_in(c, two));
    CHECK(a == c);
  }
  SUBCASE("copy assignment keeps the target's heap") {
    Container a{one}, b{two}, c{one};
    fill(a, 300);
    fill(b, 10);
    b = a;
    c = a;
    CHECK(lives_in(b, two));
    CHECK(lives_in(c, one));
    CHECK(b == a);
    CHECK(c == a);
  }
  SUBCASE("moves take heap and elements along") {
    Container a{one};
    fill(a, 300);
    Container const same{a};
    size_t const blocks = one.stats().live_blocks;
    Container b{std::move(a)};
    CHECK(lives_in(b, one));
    CHECK(b == same);
    CHECK(one.stats().live_blocks <= blocks + 4);  // what was moved from may need a little; no element was copied
    Container c{std::move(b), two};  // the one move that has to copy
    CHECK(lives_in(c, two));
    CHECK(c == same);
  }
  SUBCASE("move assignment takes the source's heap") {
    Container a{one}, b{two};
    fill(a, 300);
    fill(b, 20);
    Container const same{a};
    b = std::move(a);
    CHECK(lives_in(b, one));
    CHECK(b == same);
    CHECK(two.stats().size == 0);
    Container c{one};
    c = std::move(b);
    CHECK(lives_in(c, one));
    CHECK(c == same);
  }
  SUBCASE("swap exchanges the heaps") {
    Container a{one}, b{two};
    fill(a, 300);
    fill(b, 20);
    Container const was_a{a}, was_b{b};
    a.swap(b);
    CHECK((lives_in(a, two) && lives_in(b, one)));
    CHECK((a == was_b && b == was_a));
    using std::swap;
    swap(a, b);
    CHECK((lives_in(a, one) && lives_in(b, two)));
    CHECK((a == was_a && b == was_b));
  }
  CHECK(one.stats().size == 0);
  CHECK(two.stats().size == 0);
  one.verify();
  two.verify();
}

TEST_CASE("propagation: vector") {
  propagation<vector<int>>([](auto& c, int n) { for (int i = 0; i < n; ++i) c.push_back(i); });
}
TEST_CASE("propagation: list") {
  propagation<list>([](auto& c, int n) { for (int i = 0; i < n; ++i) c.push_back(i); });
}
TEST_CASE("propagation: map") {
  propagation<map>([](auto& c, int n) { for (int i = 0; i < n; ++i) c[i * 7 % n] = i; });
}
TEST_CASE("propagation: string") {
  propagation<string>([](auto& c, int n) { for (int i = 0; i < n; ++i) c.push_back(static_cast<char>('a' + i % 26)); });
}
TEST_CASE("propagation: deque") {
  propagation<std::deque<int, alloc<int>>>([](auto& c, int n) { for (int i = 0; i < n; ++i) c.push_front(i); });
}

TEST_CASE("list: splicing and merging within one heap moves no element") {
  zmm::heap heap;
  list a{heap}, b{heap};
  for (int i = 0; i < 100; ++i) (i % 2 != 0 ? a : b).push_back(i);
  int const* first = &a.front();
  size_t const blocks = heap.stats().live_blocks;
  a.merge(b);
  CHECK(heap.stats().live_blocks == blocks);
  CHECK(a.size() == 100);
  CHECK(std::is_sorted(a.begin(), a.end()));
  CHECK(std::find_if(a.begin(), a.end(), [&](int const& i) { return &i == first; }) != a.end());
}

TEST_CASE("map: node handles travel between containers of one heap") {
  zmm::heap heap;
  {
    map a{heap}, b{heap};
    for (int i = 0; i < 50; ++i) a[i] = i;
    b.insert(a.extract(7));
    auto dropped = a.extract(8);
    CHECK(b.at(7) == 7);
    CHECK(a.size() == 48);
    a.merge(b);
    CHECK(a.size() == 49);
  }
  CHECK(heap.stats().size == 0);
}

TEST_CASE("allocator: allocate_shared, and the hash containers") {
  zmm::heap heap;
  {
    auto shared = std::allocate_shared<std::pair<int, wide>>(alloc<int>{heap});
    CHECK(heap.owns(shared.get()));
    std::weak_ptr<std::pair<int, wide>> weak = shared;
    shared.reset();
    CHECK(heap.stats().live_blocks == 1);
    std::unordered_map<int, int, std::hash<int>, std::equal_to<>, alloc<std::pair<int const, int>>> table{alloc<int>{heap}};
    for (int i = 0; i < 5000; ++i) table[i] = i;
    for (int i = 0; i < 5000; i += 2) table.erase(i);
    CHECK(table.size() == 2500);
  }
  CHECK(heap.stats().size == 0);
  heap.verify();
}

TEST_CASE("allocator: over a request") {
  zmm::request_pool pool;
  zmm::request_heap heap{pool};
  {
    vector<int, zmm::request_heap> v{heap};
    std::map<int, vector<int, zmm::request_heap>, std::less<>,
             alloc<std::pair<int const, vector<int, zmm::request_heap>>, zmm::request_heap>> m{heap};
    for (int i = 0; i < 3000; ++i) {
      v.push_back(i);
      auto [at, added] = m.try_emplace(i % 100, alloc<int, zmm::request_heap>{heap});
      at->second.push_back(i);
    }
    CHECK(m.size() == 100);
    CHECK(v.back() == 2999);
  }
  CHECK(heap.stats().size == 0);
  heap.verify();
}

TEST_CASE("allocator: a derived allocator keeps working in containers") {
  struct counting : alloc<int> {
    using alloc<int>::allocator;
  };
  zmm::heap heap;
  counting a{heap};
  int* p = std::allocator_traits<counting>::allocate(a, 10);
  CHECK(heap.owns(p));
  std::allocator_traits<counting>::deallocate(a, p, 10);
}

TEST_CASE("allocator: max_size does not promise what new could not give") {
  zmm::heap heap;
  CHECK(alloc<int>{heap}.max_size() <= ~size_t{0} / sizeof(int));
  vector<int> v{heap};
  if (sizeof(size_t) == 8) CHECK_THROWS((void)v.reserve(v.max_size()));  // half of 4 GiB may be had
  CHECK_THROWS((void)v.reserve(~size_t{0}));
  CHECK(heap.stats().size == 0);
  heap.verify();
}

/// Every way in which an allocator of bytes gives a block; each block is freed the other way.
template <class T, class Heap> void look_at_bytes(Heap& heap) {
  alloc<T, Heap> a{heap};
  for (size_t n = 1; n <= 6000; n += n < 600 ? 1 : 97) {
    T* const p = a.allocate(n);
    T* const q = a.allocate_at_least(n).ptr;
    size_t preferred = n;
    T* none = nullptr;
    T* const r = a.allocation_command(zmm::detail::command_flag::allocate_new, n, preferred, none);
    for (T* block : {p, q, r}) CHECK(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t) == 0);
    CHECK(preferred >= n);
    a.deallocate(q, n);
    a.deallocate(p, n);
    a.deallocate(r, preferred);
  }
  typename alloc<T, Heap>::multiallocation_chain chain;
  a.allocate_individual(20, chain);
  chain.push_front(a.allocate_one());
  a.deallocate_individual(chain);
  CHECK(heap.stats().live_blocks == 0);
  heap.verify();
}
TEST_CASE_TEMPLATE("allocator: what is taken as bytes is aligned for anything", Heap, zmm::heap, zmm::hardened_heap,
                   zmm::debug_heap, zmm::request_heap, zmm::hardened_request_heap, zmm::synchronized_heap) {
  Heap heap;
  look_at_bytes<char>(heap);
  look_at_bytes<unsigned char>(heap);
  look_at_bytes<std::byte>(heap);
}
}  // namespace
