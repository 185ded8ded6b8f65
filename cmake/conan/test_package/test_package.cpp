#include <zmm/request_resource.hpp>

#include <cstdio>
#include <vector>

int main() {
  zmm::request_resource request;
  std::pmr::vector<int> numbers{&request};
  numbers.assign(1000, 1);
  std::puts(numbers.size() == 1000 ? "ok" : "wrong");
}
