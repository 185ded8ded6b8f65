// expect: deleted
#include <zmm/zmm.hpp>

void use(zmm::heap& heap) { zmm::heap copy{heap}; }
