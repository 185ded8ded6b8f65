// The standard sets and maps on every engine, beside the same containers on std::allocator.
#include "engines.hpp"
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace {
using namespace zmm_test;

TEST_CASE_TEMPLATE("containers: std::set, std::map and their multis", Heap, ZMM_TEST_ENGINES) {
  walk_container<set_of<std::set>, Heap>("std::set");
  walk_container<set_of<std::multiset>, Heap>("std::multiset");
  walk_container<map_of<std::map>, Heap>("std::map");
  walk_container<map_of<std::multimap>, Heap>("std::multimap");
}

TEST_CASE_TEMPLATE("containers: std::unordered_set, std::unordered_map and their multis", Heap, ZMM_TEST_ENGINES) {
  walk_container<hashed_set_of<std::unordered_set>, Heap>("std::unordered_set");
  walk_container<hashed_set_of<std::unordered_multiset>, Heap>("std::unordered_multiset");
  walk_container<hashed_map_of<std::unordered_map>, Heap>("std::unordered_map");
  walk_container<hashed_map_of<std::unordered_multimap>, Heap>("std::unordered_multimap");
}
}  // namespace
