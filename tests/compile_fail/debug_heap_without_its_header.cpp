// expect: zmm: for a debug heap, include <zmm/debug.hpp>
#include <zmm/allocator.hpp>

void* use(zmm::debug_heap& heap) { return heap.allocate(8); }
