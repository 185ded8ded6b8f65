// Polymorphic containers on hardened and debug heaps.
#include <zmm/zmm.hpp>

#include <vector>

namespace {
template <class Resource> int first_of() {
  Resource resource;
  std::pmr::vector<int> numbers{&resource};
  numbers.push_back(1);
  return numbers[0];
}
}  // namespace

int main() {
  int const sum = first_of<zmm::hardened_heap_resource>() + first_of<zmm::hardened_request_resource>() +
                  first_of<zmm::debug_heap_resource>() + first_of<zmm::debug_request_resource>() +
                  first_of<zmm::synchronized_resource>() + first_of<zmm::request_resource>();
  return sum == 6 ? 0 : 1;
}
