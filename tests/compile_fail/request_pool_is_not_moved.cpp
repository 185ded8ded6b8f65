// expect: deleted
#include <zmm/zmm.hpp>

#include <utility>

void use(zmm::request_pool& pool) { zmm::request_pool moved{std::move(pool)}; }
