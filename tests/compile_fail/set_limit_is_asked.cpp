// expect: nodiscard
#include <zmm/zmm.hpp>

#pragma GCC diagnostic error "-Wunused-result"
void use(zmm::heap_resource& heap) { heap.set_limit(100); }
