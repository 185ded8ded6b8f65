// expect: nodiscard
#include <zmm/zmm.hpp>

#pragma GCC diagnostic error "-Wunused-value"
#pragma GCC diagnostic error "-Wunused-result"
void* use(zmm::heap& heap) {
  zmm::limit_lift{heap};  // gone before it is of use
  return heap.allocate(100);
}
