// expect: zmm: for a hardened heap, include <zmm/hardened.hpp>
#include <zmm/allocator.hpp>

void* use(zmm::hardened_heap& heap) { return heap.allocate(8); }
