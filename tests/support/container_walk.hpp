// Random walks over containers: a few containers whose allocators refer to one of two heaps, and the same containers on
// std::allocator. Every operation is done on both sides with the same random numbers. Then the contents are compared, and
// after copies, moves, swaps and assignments also the heaps that the containers refer to.
//
// To add an engine, add a line to the list of test cases; to add a container, a kind; to add an operation, a struct below.
#pragma once
#include "checking_storage.hpp"
#include "engines.hpp"
#include "random.hpp"
#include "scale.hpp"
#include "tracked.hpp"
#include <algorithm>
#include <array>
#include <doctest/doctest.h>
#include <iterator>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace zmm_test {

// ---- where containers live -----------------------------------------------------------------------------------------

// Two heaps of one type, over one checking storage.
template <class Heap> class two_heaps {
public:
  template <class A> A allocator(std::size_t which) {
    return A(zmm::allocator<char, Heap>(which == 0 ? first_.heap() : second_.heap()));
  }
  void verify() {
    first_.heap().verify();
    second_.heap().verify();
  }
  void check_empty() {
    CHECK(first_.heap().stats().size == 0);
    CHECK(second_.heap().stats().size == 0);
  }

private:
  checking_storage storage_;
  engine<Heap> first_{storage_}, second_{storage_};
};

// There is only one process's heap: its allocators are always equal.
template <> class two_heaps<zmm::thread_heap> {
public:
  template <class A> A allocator(std::size_t) { return A(zmm::allocator<char>()); }
  void verify() { zmm::thread_heap::verify(); }
  void check_empty() { CHECK(zmm::thread_heap::stats().live_blocks == before_); }

private:
  std::size_t before_ = zmm::thread_heap::stats().live_blocks;
};

// The side of the model.
struct no_heaps {
  template <class A> A allocator(std::size_t) { return A(); }
};

// ---- values --------------------------------------------------------------------------------------------------------

template <class V> struct random_value {
  static V make(random_source& random) { return static_cast<V>(random.below(300)); }
};
template <> struct random_value<tracked> {
  static tracked make(random_source& random) { return tracked(static_cast<long>(random.below(300))); }
};
template <> struct random_value<char> {
  static char make(random_source& random) { return static_cast<char>('a' + random.below(26)); }
};
template <class K, class V> struct random_value<std::pair<K, V>> {
  static std::pair<K, V> make(random_source& random) {
    auto key = random_value<std::remove_const_t<K>>::make(random);
    return {std::move(key), random_value<V>::make(random)};
  }
};

template <class C> auto make_value(random_source& random) { return random_value<typename C::value_type>::make(random); }

// A value that can be sorted: a map's is not assignable.
template <class V> struct loose_value { using type = V; };
template <class K, class V> struct loose_value<std::pair<K const, V>> { using type = std::pair<K, V>; };

template <class C> auto make_values(random_source& random) {
  // Mostly few; at times enough to be paged.
  std::size_t const n = random.one_in(12) ? random.below(3000) : random.below(30);
  std::vector<typename loose_value<typename C::value_type>::type> values;
  values.reserve(n);
  for (std::size_t i = 0; i < n; ++i) values.push_back(make_value<C>(random));
  return values;
}

// The numbers by which an element is compared.
template <class V> std::pair<long, long> number_of(V const& value) { return {static_cast<long>(value), 0}; }
inline std::pair<long, long> number_of(tracked const& value) { return {value.value(), 0}; }
template <class K, class V> std::pair<long, long> number_of(std::pair<K, V> const& value) {
  return {number_of(value.first).first, number_of(value.second).first};
}

// Whether the container decides the order of equal elements, or of all.
template <class C, class = void> constexpr bool is_loose = false;
template <class C> constexpr bool is_loose<C, std::void_t<typename C::hasher>> = true;

// All elements; sorted if their order means nothing.
template <class C> auto contents(C const& c) {
  std::vector<std::pair<long, long>> all;
  for (auto const& v : c) all.push_back(number_of(v));
  if constexpr (is_loose<C>) std::sort(all.begin(), all.end());
  return all;
}

template <class C> std::size_t size_of(C const& c) {
  return static_cast<std::size_t>(std::distance(c.begin(), c.end()));
}
template <class C> auto position(C& c, random_source& random) {
  return std::next(c.begin(), static_cast<std::ptrdiff_t>(random.below(size_of(c) + 1)));
}
template <class C> auto element(C& c, random_source& random) {  // requires: not empty
  std::size_t const n = random.below(size_of(c));
  if constexpr (is_loose<C>) {
    auto const number = contents(c)[n];
    return std::find_if(c.begin(), c.end(), [&](auto const& v) { return number_of(v) == number; });
  } else {
    return std::next(c.begin(), static_cast<std::ptrdiff_t>(n));
  }
}

// Tests specialise these to avoid operations that are broken in a library.
template <class C> constexpr bool can_shrink = true;
template <class C> constexpr bool can_insert_ranges = true;
template <class C> constexpr bool can_move_across_heaps = true;
template <class C> constexpr bool can_push_front_of_empty = true;
template <class C> struct before_move_from_another_heap {
  static void prepare(C&) {}
};

// ---- operations on one container. Each is used for the containers that it compiles for. ------------------------------

#define ZMM_TEST_OPERATION(name, requirement, ...)                                                                     \
  struct name {                                                                                                        \
    template <class C>                                                                                                 \
    auto operator()(C& c, [[maybe_unused]] random_source& random) const -> decltype(requirement, void()) __VA_ARGS__   \
  }

// For the requirements of operations.
template <class C> typename C::value_type& value_of();
template <class C> typename loose_value<typename C::value_type>::type* pointer_of();
template <class C> typename C::iterator iterator_of();
template <class C> auto const& key_of(typename C::value_type const& v) {
  if constexpr (std::is_same_v<typename C::value_type, typename C::key_type>) {
    return v;
  } else {
    return v.first;
  }
}
struct any_value {
  template <class T> bool operator()(T const&) const { return false; }
};

ZMM_TEST_OPERATION(push_back, c.push_back(value_of<C>()), { c.push_back(make_value<C>(random)); });
ZMM_TEST_OPERATION(push_front, c.push_front(value_of<C>()), {
  if (can_push_front_of_empty<C> || !c.empty()) c.push_front(make_value<C>(random));
});
ZMM_TEST_OPERATION(push_many_back, c.push_back(value_of<C>()), {
  for (auto const& v : make_values<C>(random)) c.push_back(v);
});
ZMM_TEST_OPERATION(push_many_front, c.push_front(value_of<C>()), {
  if (!can_push_front_of_empty<C> && c.empty()) return;
  for (auto const& v : make_values<C>(random)) c.push_front(v);
});
ZMM_TEST_OPERATION(pop_back, c.pop_back(), {
  for (std::size_t n = random.below(50); n != 0 && !c.empty(); --n) c.pop_back();
});
ZMM_TEST_OPERATION(pop_front, c.pop_front(), {
  for (std::size_t n = random.below(50); n != 0 && !c.empty(); --n) c.pop_front();
});
ZMM_TEST_OPERATION(insert_at, c.insert(iterator_of<C>(), value_of<C>()), {
  auto const at = position(c, random);
  c.insert(at, make_value<C>(random));
});
ZMM_TEST_OPERATION(insert_copies, c.insert(iterator_of<C>(), std::size_t{}, value_of<C>()), {
  auto const at = position(c, random);
  std::size_t const n = random.below(20);
  c.insert(at, n, make_value<C>(random));
});
ZMM_TEST_OPERATION(insert_range_at, c.insert(iterator_of<C>(), pointer_of<C>(), pointer_of<C>()), {
  auto const at = position(c, random);
  auto const values = make_values<C>(random);
  c.insert(at, values.data(), values.data() + values.size());
});
ZMM_TEST_OPERATION(insert_value, c.insert(value_of<C>()), { c.insert(make_value<C>(random)); });
ZMM_TEST_OPERATION(insert_range, c.insert(pointer_of<C>(), pointer_of<C>()), {
  auto const values = make_values<C>(random);
  if constexpr (can_insert_ranges<C>) {
    c.insert(values.data(), values.data() + values.size());
  } else {
    for (auto const& v : values) c.insert(v);
  }
});
ZMM_TEST_OPERATION(insert_after, c.insert_after(c.before_begin(), pointer_of<C>(), pointer_of<C>()), {
  auto at = c.before_begin();
  std::advance(at, random.below(size_of(c) + 1));
  auto const values = make_values<C>(random);
  c.insert_after(at, values.data(), values.data() + values.size());
});
ZMM_TEST_OPERATION(erase_after, c.erase_after(c.before_begin()), {
  if (!c.empty()) c.erase_after(c.before_begin());
});
ZMM_TEST_OPERATION(erase_at, c.erase(iterator_of<C>()), {
  if (!c.empty()) c.erase(element(c, random));
});
ZMM_TEST_OPERATION(erase_range, c.erase(iterator_of<C>(), iterator_of<C>()), {
  if constexpr (is_loose<C>) {
    if (c.empty()) return;
    auto const equal = c.equal_range(key_of<C>(*element(c, random)));
    return void(c.erase(equal.first, equal.second));
  }
  std::size_t const from = random.below(size_of(c) + 1), n = random.below(size_of(c) - from + 1);
  auto const first = std::next(c.begin(), static_cast<std::ptrdiff_t>(from));
  c.erase(first, std::next(first, static_cast<std::ptrdiff_t>(n)));
});
ZMM_TEST_OPERATION(erase_key, c.erase(std::declval<typename C::key_type const&>()), {
  for (int i = 0; i < 20; ++i) c.erase(random_value<typename C::key_type>::make(random));
});
ZMM_TEST_OPERATION(assign_range, c.assign(pointer_of<C>(), pointer_of<C>()), {
  auto const values = make_values<C>(random);
  c.assign(values.data(), values.data() + values.size());
});
ZMM_TEST_OPERATION(assign_copies, c.assign(std::size_t{}, value_of<C>()), {
  std::size_t const n = random.below(200);
  c.assign(n, make_value<C>(random));
});
ZMM_TEST_OPERATION(resize, c.resize(std::size_t{}), { c.resize(random.below(random.one_in(8) ? 2000 : 60)); });
ZMM_TEST_OPERATION(reserve, c.reserve(std::size_t{}), { c.reserve(random.below(4000)); });
ZMM_TEST_OPERATION(rehash, c.rehash(std::size_t{}), { c.rehash(random.below(1000)); });
ZMM_TEST_OPERATION(insert_or_assign, c.insert_or_assign(1, std::declval<typename C::mapped_type>()), {
  auto v = make_value<C>(random);
  c.insert_or_assign(v.first, std::move(v.second));
});
ZMM_TEST_OPERATION(extract_and_drop, c.extract(c.begin()).empty(), {
  if (!c.empty()) CHECK_FALSE(c.extract(element(c, random)).empty());
});
ZMM_TEST_OPERATION(extract_and_insert, c.extract(c.begin()).empty(), {
  if (c.empty()) return;
  auto node = c.extract(element(c, random));
  c.insert(std::move(node));
});
ZMM_TEST_OPERATION(sort, c.sort(), { c.sort(); });
ZMM_TEST_OPERATION(reverse, c.reverse(), { c.reverse(); });
ZMM_TEST_OPERATION(unique, c.unique(), { c.unique(); });
ZMM_TEST_OPERATION(remove_some, c.remove_if(any_value{}), {
  bool odd = false;
  c.remove_if([&](auto const&) { return odd = !odd; });
});
ZMM_TEST_OPERATION(clear, c.clear(), { c.clear(); });
ZMM_TEST_OPERATION(shrink_to_fit, c.shrink_to_fit(), {
  if constexpr (can_shrink<C>) c.shrink_to_fit();
});

using operations =
    std::tuple<push_back, push_front, push_many_back, push_many_front, pop_back, pop_front, insert_at, insert_copies,
               insert_range_at, insert_value, insert_range, insert_after, erase_after, erase_at, erase_range, erase_key,
               assign_range, assign_copies, resize, reserve, rehash, insert_or_assign, extract_and_drop,
               extract_and_insert, sort, reverse, unique, remove_some, clear, shrink_to_fit>;

// ---- operations on two containers of one heap ----------------------------------------------------------------------

struct splice {
  template <class C> auto operator()(C& a, C& b) const -> decltype(a.splice(a.begin(), b)) { a.splice(a.begin(), b); }
};
struct splice_after {
  template <class C> auto operator()(C& a, C& b) const -> decltype(a.splice_after(a.before_begin(), b)) {
    a.splice_after(a.before_begin(), b);
  }
};
struct merge_sorted {
  template <class C> auto operator()(C& a, C& b) const -> decltype(a.sort(), a.merge(b)) {
    a.sort();
    b.sort();
    a.merge(b);
  }
};
struct merge_keys {
  template <class C> auto operator()(C& a, C& b) const -> decltype(std::declval<typename C::key_type>(), a.merge(b)) {
    a.merge(b);
  }
};
using joint_operations = std::tuple<splice, splice_after, merge_sorted, merge_keys>;

// ---- the walk ------------------------------------------------------------------------------------------------------

template <class C, class Heaps, class Ordered> class container_side {
  using allocator_type = typename C::allocator_type;
  using values = typename loose_value<typename C::value_type>::type*;

public:
  static constexpr std::size_t count = 4;

  container_side() {
    for (std::size_t i = 0; i < count; ++i) build(i, i % 2);
  }

  C& operator[](std::size_t i) { return *slots_[i]; }
  Heaps& heaps() { return heaps_; }

  void build(std::size_t i, std::size_t heap) { slots_[i].emplace(allocator(heap)); }
  void build_from_range(std::size_t i, std::size_t heap, random_source random) {
    auto v = make_values<C>(random);
    if constexpr (can_insert_ranges<C> && std::is_constructible_v<C, values, values, allocator_type const&>) {
      slots_[i].emplace(v.data(), v.data() + v.size(), allocator(heap));
    } else {
      build(i, heap);
    }
  }
  void build_from_ordered_range(std::size_t i, std::size_t heap, random_source random) {
    if constexpr (std::is_void_v<Ordered>) {
      build(i, heap);
    } else {
      auto const less = [](auto const& a, auto const& b) { return number_of(a).first < number_of(b).first; };
      auto const equal = [](auto const& a, auto const& b) { return number_of(a).first == number_of(b).first; };
      auto v = make_values<C>(random);
      std::stable_sort(v.begin(), v.end(), less);
      v.erase(std::unique(v.begin(), v.end(), equal), v.end());
      slots_[i].emplace(Ordered(), v.data(), v.data() + v.size(), typename C::key_compare(), allocator(heap));
    }
  }
  void build_as_copy(std::size_t i, std::size_t j) { slots_[i].emplace(std::as_const(*slots_[j])); }
  void build_as_copy_in(std::size_t i, std::size_t j, std::size_t heap) {
    slots_[i].emplace(std::as_const(*slots_[j]), allocator(heap));
  }
  void build_by_move(std::size_t i, std::size_t j) {
    slots_[i].emplace(std::move(*slots_[j]));
    slots_[j]->clear();
  }
  void build_by_move_in(std::size_t i, std::size_t j, std::size_t heap) {
    slots_[i].emplace(std::move(*slots_[j]), allocator(heap));
    slots_[j]->clear();  // its contents depend on whether the heaps are equal
  }
  void assign_copy(std::size_t i, std::size_t j) { *slots_[i] = std::as_const(*slots_[j]); }
  void assign_by_move(std::size_t i, std::size_t j, bool is_from_another_heap) {
    if (is_from_another_heap) before_move_from_another_heap<C>::prepare(*slots_[i]);
    *slots_[i] = std::move(*slots_[j]);
    if (i != j) slots_[j]->clear();
  }
  void swap_with(std::size_t i, std::size_t j) { slots_[i]->swap(*slots_[j]); }

  bool is_in(std::size_t i, std::size_t heap) { return slots_[i]->get_allocator() == allocator(heap); }
  void destroy() {
    for (auto& slot : slots_) slot.reset();
  }

private:
  allocator_type allocator(std::size_t heap) { return heaps_.template allocator<allocator_type>(heap); }

  Heaps heaps_;
  std::array<std::optional<C>, count> slots_;
};

template <class Kind, class Heap> class container_walk {
  using tested_type = typename Kind::template with<zmm::allocator<char, Heap>>;
  using model_type = typename Kind::template with<std::allocator<char>>;
  using traits = std::allocator_traits<typename tested_type::allocator_type>;
  static_assert(!traits::propagate_on_container_copy_assignment::value);
  static_assert(traits::propagate_on_container_move_assignment::value && traits::propagate_on_container_swap::value);

public:
  explicit container_walk(std::uint64_t seed) : random_(seed) {
    for (std::size_t i = 0; i < count; ++i) home_[i] = i % 2;
  }

  void run(std::size_t steps) {
    for (std::size_t n = 0; n < steps; ++n) {
      CAPTURE(n);
      step();
      if (n % 64 == 0) tested_.heaps().verify();
    }
    tested_.heaps().verify();
    tested_.destroy();
    model_.destroy();
    tested_.heaps().verify();
    tested_.heaps().check_empty();
  }

private:
  static constexpr std::size_t count = container_side<model_type, no_heaps, typename Kind::ordered>::count;

  void step() {
    std::size_t const i = random_.below(count), j = (i + random_.between(1, count - 1)) % count;
    std::size_t const heap = random_.below(2);
    if (random_.one_in(3)) {
      relate(i, j, heap, random_.below(12));
      compare(j);
    } else {
      operate(i, random_.below(std::tuple_size_v<operations>));
    }
    compare(i);
    if (size_of(model_[i]) > 6000) both([&](auto& side) { side[i].clear(); });
  }

  template <class F> void both(F f) {
    f(tested_);
    f(model_);
  }

  // The operations that decide which heap a container refers to.
  void relate(std::size_t i, std::size_t j, std::size_t heap, std::size_t which) {
    CAPTURE(which);
    switch (which) {
    case 0: both([&](auto& s) { s.build(i, heap); }), home_[i] = heap; break;
    case 1: {
      random_source const random{random_.next()};
      both([&](auto& s) { s.build_from_range(i, heap, random); }), home_[i] = heap;
      break;
    }
    case 10: {
      random_source const random{random_.next()};
      both([&](auto& s) { s.build_from_ordered_range(i, heap, random); }), home_[i] = heap;
      break;
    }
    case 2: both([&](auto& s) { s.build_as_copy(i, j); }), home_[i] = home_[j]; break;
    case 3: both([&](auto& s) { s.build_as_copy_in(i, j, heap); }), home_[i] = heap; break;
    case 4: both([&](auto& s) { s.build_by_move(i, j); }), home_[i] = home_[j]; break;
    case 5:
      if (!can_move_across_heaps<tested_type> && heap != home_[j]) break;
      both([&](auto& s) { s.build_by_move_in(i, j, heap); }), home_[i] = heap;
      break;
    case 6: both([&](auto& s) { s.assign_copy(i, j); }); break;
    case 7: both([&](auto& s) { s.assign_copy(i, i); }); break;
    case 8:
      if (!can_move_across_heaps<tested_type> && home_[i] != home_[j]) break;
      both([&](auto& s) { s.assign_by_move(i, j, home_[i] != home_[j]); }), home_[i] = home_[j];
      break;
    case 9:
      if (!can_move_across_heaps<tested_type> && home_[i] != home_[j]) break;
      both([&](auto& s) { s.swap_with(i, j); }), std::swap(home_[i], home_[j]);
      break;
    default: {
      bool const joint = home_[i] == home_[j];
      if (joint) operate_jointly(i, j, random_.below(std::tuple_size_v<joint_operations>));
    }
    }
  }

  void operate(std::size_t i, std::size_t which) {
    std::uint64_t const seed = random_.next();
    CAPTURE(which);
    CAPTURE(seed);
    both([&](auto& side) {
      std::size_t n = 0;
      std::apply(
          [&](auto... each) { (void)((n++ == which && (apply_one(each, side[i], random_source{seed}), true)) || ...); },
          operations{});
    });
  }
  void operate_jointly(std::size_t i, std::size_t j, std::size_t which) {
    both([&](auto& side) {
      std::size_t n = 0;
      std::apply([&](auto... each) { (void)((n++ == which && (apply_two(each, side[i], side[j]), true)) || ...); },
                 joint_operations{});
    });
  }
  template <class Operation, class C> static void apply_one(Operation op, C& c, random_source random) {
    if constexpr (std::is_invocable_v<Operation, C&, random_source&>) op(c, random);
  }
  template <class Operation, class C> static void apply_two(Operation op, C& a, C& b) {
    if constexpr (std::is_invocable_v<Operation, C&, C&>) op(a, b);
  }

  void compare(std::size_t i) {
    REQUIRE(contents(tested_[i]) == contents(model_[i]));
    CHECK(tested_.is_in(i, home_[i]));
    if constexpr (!zmm::allocator<char, Heap>::is_always_equal::value) CHECK_FALSE(tested_.is_in(i, 1 - home_[i]));
  }

  random_source random_;
  container_side<tested_type, two_heaps<Heap>, typename Kind::ordered> tested_;
  container_side<model_type, no_heaps, typename Kind::ordered> model_;
  std::array<std::size_t, count> home_{};
};

// Walks over containers of a kind in heaps of a type. A failed check shows the seed and the step.
template <class Kind, class Heap> void walk_container(std::string const& name) {
  long const live = tracked::live;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    CAPTURE(name);
    CAPTURE(seed);
    container_walk<Kind, Heap>{seed}.run(scaled(400));
  }
  CHECK(tracked::live == live);
}

}  // namespace zmm_test
