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

void pass_limit() {
  zmm::heap_resource heap;
  (void)heap.set_limit(100);
  (void)!heap.allocate(1);
}
void use_up_storage() {
  char memory[100];
  zmm::buffer_storage fixed{memory, sizeof memory};
  zmm::heap heap{fixed};
  (void)!heap.allocate(1);
}

// What they are here, where their types are hidden.
char const* name_of(std::pmr::memory_resource* resource, zmm::storage* storage) {
  if (dynamic_cast<zmm::request_resource*>(resource) != nullptr) return "request";
  if (dynamic_cast<zmm::heap_resource*>(resource) != nullptr) return "heap";
  if (dynamic_cast<zmm::buffer_storage*>(storage) != nullptr) return "buffer";
  if (dynamic_cast<zmm::resource_storage*>(storage) != nullptr) return "upstream";
  return "unknown";
}
namespace {
struct hidden : zmm::default_options {};  // each object's own
}
void* current_heap() noexcept { return &zmm::allocator<int, zmm::heap>{}.heap(); }
void* current_hidden() noexcept { return &zmm::allocator<int, zmm::basic_heap<hidden>>{}.heap(); }
char* copy_of(char const* text) { return zmm::estrdup(text); }
void free_copy(char* copy) noexcept { zmm::efree(copy); }
void fail() { (void)zmm::allocator<int, zmm::hardened_heap>{}.allocate(1); }

}  // namespace ZMM_SHARED_OBJECT
