// expect: not the old size
#include <zmm/zmm.hpp>

#pragma GCC diagnostic error "-Wdeprecated-declarations"
void* use(zmm::heap& heap, void* block) { return heap.reallocate(block, 200, 64); }
