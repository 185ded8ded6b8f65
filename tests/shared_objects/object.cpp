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

std::pmr::memory_resource* thread_resource() noexcept { return zmm::thread_resource(); }
void* allocate(std::size_t bytes) { return zmm::thread_heap::allocate(bytes); }
void deallocate(void* block, std::size_t bytes) noexcept { zmm::thread_heap::deallocate(block, bytes); }
bool owns(void const* block) noexcept { return zmm::thread_heap::owns(block); }

}  // namespace ZMM_SHARED_OBJECT
