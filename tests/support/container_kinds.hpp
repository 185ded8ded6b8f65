// Kinds of containers for container_walk: their element types, with any allocator. `ordered` is the tag of a constructor
// from an ordered range, if there is one.
#pragma once
#include "tracked.hpp"
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace zmm_test {

template <class A, class T> using rebound = typename std::allocator_traits<A>::template rebind_alloc<T>;

template <template <class...> class Container, class T> struct sequence_of {
  using ordered = void;
  template <class A> using with = Container<T, rebound<A, T>>;
};
template <template <class...> class String> struct string_of {
  using ordered = void;
  template <class A> using with = String<char, std::char_traits<char>, rebound<A, char>>;
};
template <template <class...> class Set, class Ordered = void> struct set_of {
  using ordered = Ordered;
  template <class A> using with = Set<tracked, std::less<tracked>, rebound<A, tracked>>;
};
template <template <class...> class Map, class Ordered = void, class Key = int const> struct map_of {
  using ordered = Ordered;
  template <class A> using with = Map<int, tracked, std::less<int>, rebound<A, std::pair<Key, tracked>>>;
};
template <template <class...> class Set> struct hashed_set_of {
  using ordered = void;
  template <class A> using with = Set<tracked, std::hash<tracked>, std::equal_to<tracked>, rebound<A, tracked>>;
};
template <template <class...> class Map> struct hashed_map_of {
  using ordered = void;
  template <class A>
  using with = Map<int, tracked, std::hash<int>, std::equal_to<int>, rebound<A, std::pair<int const, tracked>>>;
};

}  // namespace zmm_test
