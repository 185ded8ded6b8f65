// expect: zmm: for a hardened heap, include <zmm/hardened.hpp>
#include <zmm/resource.hpp>

zmm::hardened_request_resource request;
