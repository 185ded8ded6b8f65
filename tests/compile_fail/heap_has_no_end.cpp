// expect: on_end
#include <zmm/zmm.hpp>

void use(zmm::heap& heap) {
  heap.on_end([] {});
}
