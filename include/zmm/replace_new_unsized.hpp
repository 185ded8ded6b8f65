// Include this instead of replace_new.hpp in programs whose sized deletes pass wrong sizes. Each delete finds its block by its
// address instead, which costs reading a cache line of the block's chunk.
#pragma once

#include <zmm/faces/global_new.hpp>

void operator delete(void* block, std::size_t) noexcept { zmm::thread_heap::deallocate(block); }
void operator delete[](void* block, std::size_t) noexcept { zmm::thread_heap::deallocate(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { zmm::thread_heap::deallocate(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { zmm::thread_heap::deallocate(block); }
