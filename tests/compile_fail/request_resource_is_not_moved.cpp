// expect: deleted
#include <zmm/zmm.hpp>

#include <utility>

void use(zmm::request_resource& request) { zmm::request_resource moved{std::move(request)}; }
