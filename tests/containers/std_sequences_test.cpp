// The standard sequences on every engine, beside the same containers on std::allocator.
#include "engines.hpp"
#include <deque>
#include <forward_list>
#include <list>
#include <string>
#include <vector>

namespace {
using namespace zmm_test;

TEST_CASE_TEMPLATE("containers: std::vector and std::string", Heap, ZMM_TEST_ENGINES) {
  walk_container<sequence_of<std::vector, int>, Heap>("std::vector of int");
  walk_container<sequence_of<std::vector, tracked>, Heap>("std::vector");
  walk_container<string_of<std::basic_string>, Heap>("std::string");
}

TEST_CASE_TEMPLATE("containers: std::deque, std::list and std::forward_list", Heap, ZMM_TEST_ENGINES) {
  walk_container<sequence_of<std::deque, tracked>, Heap>("std::deque");
  walk_container<sequence_of<std::list, tracked>, Heap>("std::list");
  walk_container<sequence_of<std::forward_list, tracked>, Heap>("std::forward_list");
}
}  // namespace
