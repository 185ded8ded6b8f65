// As replace_new.hpp, in whose place it is included, for programs whose deletes tell sizes that are not true: each looks
// its block up by its address instead, at the price of a cache line of the block's chunk.
#pragma once

#include <zmm/faces/global_new.hpp>

void operator delete(void* block, std::size_t) noexcept { zmm::thread_heap::deallocate(block); }
void operator delete[](void* block, std::size_t) noexcept { zmm::thread_heap::deallocate(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { zmm::thread_heap::deallocate(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { zmm::thread_heap::deallocate(block); }
