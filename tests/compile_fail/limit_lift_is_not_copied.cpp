// expect: deleted
#include <zmm/zmm.hpp>

void use(zmm::heap& heap) {
  zmm::limit_lift<zmm::heap> lift{heap};
  zmm::limit_lift<zmm::heap> copy{lift};
}
