// Global operator new and delete, all of them, on thread_heap. Include this in exactly one source file of a program:
//
//     #include <zmm/replace_new.hpp>
//
// and every new and delete of the program and of the shared objects it loads goes there, std::allocator's too. Included
// twice, the program does not link. malloc is not replaced. A block may be freed by any thread.
//
// A delete that is told a size believes it, and asks nothing else. A program that deletes with another size than it
// allocated (an object with room behind it, by its type; one through a base without a virtual destructor) is wrong, but
// works on most allocators; it works here with <zmm/replace_new_unsized.hpp> in this header's place.
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
