// Boost's sets and maps on every engine, beside the same containers on std::allocator.
#include "engines.hpp"
#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>
#include <boost/container/map.hpp>
#include <boost/container/set.hpp>

namespace bc = boost::container;

namespace zmm_test {
// Boost 1.81, and maybe others: a range put into a flat container is sorted with the room left behind it as a buffer, and
// elements get lost if that is small; std::allocator and reserve() show it too.
template <class K, class L, class A> constexpr bool can_insert_ranges<bc::flat_set<K, L, A>> = false;
template <class K, class L, class A> constexpr bool can_insert_ranges<bc::flat_multiset<K, L, A>> = false;
template <class K, class V, class L, class A> constexpr bool can_insert_ranges<bc::flat_map<K, V, L, A>> = false;
template <class K, class V, class L, class A> constexpr bool can_insert_ranges<bc::flat_multimap<K, V, L, A>> = false;
}  // namespace zmm_test

namespace {
using namespace zmm_test;

TEST_CASE_TEMPLATE("containers: Boost's set, map and their multis", Heap, ZMM_TEST_ENGINES) {
  walk_container<set_of<bc::set, bc::ordered_unique_range_t>, Heap>("set");
  walk_container<set_of<bc::multiset, bc::ordered_range_t>, Heap>("multiset");
  walk_container<map_of<bc::map, bc::ordered_unique_range_t>, Heap>("map");
  walk_container<map_of<bc::multimap, bc::ordered_range_t>, Heap>("multimap");
}

TEST_CASE_TEMPLATE("containers: Boost's flat sets and maps", Heap, ZMM_TEST_ENGINES) {
  walk_container<set_of<bc::flat_set, bc::ordered_unique_range_t>, Heap>("flat_set");
  walk_container<set_of<bc::flat_multiset, bc::ordered_range_t>, Heap>("flat_multiset");
  walk_container<map_of<bc::flat_map, bc::ordered_unique_range_t, int>, Heap>("flat_map");
  walk_container<map_of<bc::flat_multimap, bc::ordered_range_t, int>, Heap>("flat_multimap");
}
}  // namespace
