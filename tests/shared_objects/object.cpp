#include "object.hpp"

#include <zmm/zmm.hpp>

namespace ZMM_SHARED_OBJECT {

void const* default_pool() noexcept { return &zmm::default_request_pool(); }

// The handler in force as this object sees it, left in force.
void* stop_handler_before() noexcept {
  zmm::stop_handler const handler = zmm::set_stop_handler(nullptr);
  zmm::set_stop_handler(handler);
  return reinterpret_cast<void*>(handler);
}

std::pmr::memory_resource* begin_request() { return new zmm::request_resource; }
void end_request(std::pmr::memory_resource* request) noexcept { delete static_cast<zmm::request_resource*>(request); }

}  // namespace ZMM_SHARED_OBJECT
