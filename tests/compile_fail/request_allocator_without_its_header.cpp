// expect: zmm: include this heap's header, <zmm/request_heap.hpp> for request_heap
#include <zmm/allocator.hpp>

int* allocate(zmm::allocator<int, zmm::request_heap>& in) { return in.allocate(1); }
