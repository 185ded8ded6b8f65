// Containers on every kind of face.
#include <zmm/zmm.hpp>

#include <list>
#include <vector>

int main() {
  zmm::request_heap request;
  std::vector<int, zmm::allocator<int, zmm::request_heap>> of_request{request};
  of_request.push_back(1);
  zmm::heap heap;
  std::list<int, zmm::allocator<int, zmm::heap>> of_heap{heap};
  for (int i = 0; i < 1000; ++i) of_heap.push_back(i);
  std::vector<int, zmm::allocator<int>> of_process(100);
  return of_request[0] + of_process[0] + static_cast<int>(of_heap.size()) == 1001 ? 0 : 1;
}
