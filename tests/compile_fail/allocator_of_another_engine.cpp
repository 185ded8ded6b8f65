// expect: no matching
#include <zmm/zmm.hpp>

zmm::allocator<int, zmm::heap> use(zmm::request_heap& request) {
  zmm::allocator<int, zmm::request_heap> a{request};
  return zmm::allocator<int, zmm::heap>(a);
}
