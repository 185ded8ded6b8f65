// expect: zmm: for a sampled heap, include <zmm/sampled.hpp>
#include <zmm/allocator.hpp>

void* use(zmm::sampled_heap& heap) { return heap.allocate(8); }
