#include <zmm/zmm.hpp>

#include <cstdio>
#include <vector>

int main() {
  zmm::heap heap;
  std::vector<int, zmm::allocator<int, zmm::heap>> numbers{zmm::allocator<int, zmm::heap>{heap}};
  numbers.assign(1000, 1);

  zmm::request_resource request;
  std::pmr::vector<int> more{&request};
  more.assign(1000, 1);

  std::puts(numbers.size() == more.size() ? "ok" : "wrong");
}
