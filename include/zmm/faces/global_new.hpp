// Global operator new, and the operators delete that take no size, on thread_heap: shared by replace_new.hpp and
// replace_new_unsized.hpp.
#pragma once

#include <zmm/threads/thread_heap.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The alignment that compilers assume of memory from an operator new without an alignment, whatever the size.
inline constexpr std::size_t new_alignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

/// Calls the new handler until there is memory, as the standard asks.
/// Returns: the block; null: there is no new handler (any more), or `alignment` is not a power of two.
/// Throws: what the new handler throws.
ZMM_COLD inline void* new_by_handler(std::size_t bytes, std::size_t alignment) {
  if (!is_power_of_two(alignment)) return nullptr;
  while (std::new_handler const handler = std::get_new_handler()) {
    handler();
    if (void* const block = thread_heap::try_allocate(bytes, alignment)) return block;
  }
  return nullptr;
}

ZMM_COLD inline void* new_miss(std::size_t bytes, std::size_t alignment) {
  void* const block = new_by_handler(bytes, alignment);
  if (block == nullptr) throw_bad_alloc();
  return block;
}

ZMM_COLD inline void* new_miss_nothrow(std::size_t bytes, std::size_t alignment) noexcept {
  ZMM_TRY { return new_by_handler(bytes, alignment); }
  ZMM_CATCH_ALL {}
  return nullptr;
}

ZMM_INLINE void* new_block(std::size_t bytes, std::size_t alignment) {
  void* const block = thread_heap::try_allocate(bytes, alignment);
  return ZMM_LIKELY(block != nullptr) ? block : new_miss(bytes, alignment);
}

ZMM_INLINE void* new_block_nothrow(std::size_t bytes, std::size_t alignment) noexcept {
  void* const block = thread_heap::try_allocate(bytes, alignment);
  return ZMM_LIKELY(block != nullptr) ? block : new_miss_nothrow(bytes, alignment);
}

}}}  // namespace zmm::detail

void* operator new(std::size_t bytes) { return zmm::detail::new_block(bytes, zmm::detail::new_alignment); }
void* operator new[](std::size_t bytes) { return zmm::detail::new_block(bytes, zmm::detail::new_alignment); }
void* operator new(std::size_t bytes, std::nothrow_t const&) noexcept {
  return zmm::detail::new_block_nothrow(bytes, zmm::detail::new_alignment);
}
void* operator new[](std::size_t bytes, std::nothrow_t const&) noexcept {
  return zmm::detail::new_block_nothrow(bytes, zmm::detail::new_alignment);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return zmm::detail::new_block(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return zmm::detail::new_block(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, std::nothrow_t const&) noexcept {
  return zmm::detail::new_block_nothrow(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment, std::nothrow_t const&) noexcept {
  return zmm::detail::new_block_nothrow(bytes, static_cast<std::size_t>(alignment));
}

// By address: reads the block's size from its chunk.
void operator delete(void* block) noexcept { zmm::thread_heap::deallocate(block); }
void operator delete[](void* block) noexcept { zmm::thread_heap::deallocate(block); }
void operator delete(void* block, std::nothrow_t const&) noexcept { zmm::thread_heap::deallocate(block); }
void operator delete[](void* block, std::nothrow_t const&) noexcept { zmm::thread_heap::deallocate(block); }
void operator delete(void* block, std::align_val_t) noexcept { zmm::thread_heap::deallocate(block); }
void operator delete[](void* block, std::align_val_t) noexcept { zmm::thread_heap::deallocate(block); }
void operator delete(void* block, std::align_val_t, std::nothrow_t const&) noexcept {
  zmm::thread_heap::deallocate(block);
}
void operator delete[](void* block, std::align_val_t, std::nothrow_t const&) noexcept {
  zmm::thread_heap::deallocate(block);
}

// clang declares the sized ones only with -fsized-deallocation.
void operator delete(void* block, std::size_t bytes) noexcept;
void operator delete[](void* block, std::size_t bytes) noexcept;
void operator delete(void* block, std::size_t bytes, std::align_val_t alignment) noexcept;
void operator delete[](void* block, std::size_t bytes, std::align_val_t alignment) noexcept;
