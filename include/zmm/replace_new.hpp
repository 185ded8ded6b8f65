// Global operator new and delete, all of them, on thread_heap. Include this in exactly one source file of a program:
//
//     #include <zmm/replace_new.hpp>
//
// and every new and delete of the program and of the shared objects it loads goes there, also std::allocator's. A program
// that includes it twice does not link. malloc is not replaced. Any thread may free a block.
//
// A sized delete trusts its size. A program that deletes with another size than it allocated (through a base without a
// virtual destructor; or, by its type, an object that was allocated with room behind it) is wrong, but works on most
// allocators. To make it work here, include <zmm/replace_new_unsized.hpp> instead.
#pragma once

#include <zmm/faces/global_new.hpp>

void operator delete(void* block, std::size_t bytes) noexcept {
  zmm::thread_heap::deallocate(block, bytes, zmm::detail::new_alignment);
}
void operator delete[](void* block, std::size_t bytes) noexcept {
  zmm::thread_heap::deallocate(block, bytes, zmm::detail::new_alignment);
}
void operator delete(void* block, std::size_t bytes, std::align_val_t alignment) noexcept {
  zmm::thread_heap::deallocate(block, bytes, static_cast<std::size_t>(alignment));
}
void operator delete[](void* block, std::size_t bytes, std::align_val_t alignment) noexcept {
  zmm::thread_heap::deallocate(block, bytes, static_cast<std::size_t>(alignment));
}
