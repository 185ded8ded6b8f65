// expect: arguments
#include <zmm/zmm.hpp>

void use(zmm::request_heap& request, void* p) { request.deallocate(p); }
