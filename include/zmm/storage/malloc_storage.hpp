// Chunks from the C library's malloc.
#pragma once

#include <zmm/base/system.hpp>
#include <zmm/storage/os_storage.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {

/// Its blocks are the C library's, so they can only be freed.
class malloc_storage_type final : public storage {
public:
  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t /*reserve*/) override {
    last_error_guard const keep;
    if (!is_power_of_two(alignment)) return nullptr;
    return host::allocate_aligned(bytes, alignment < sizeof(void*) ? sizeof(void*) : alignment);
  }
  void deallocate(void* block, std::size_t /*bytes*/, std::size_t /*reserve*/) noexcept override {
    last_error_guard const keep;
    host::free(block);
  }
};

ZMM_SHARED inline malloc_storage_type the_malloc_storage;

}  // namespace detail

/// Returns: the storage that takes blocks from malloc (posix_memalign) and frees them. They cannot grow, shrink, be
/// purged or moved, and there is no reserve and no guard page. Where malloc is replaced, the replacement is called: so a
/// heap that serves malloc must not use this storage. Any thread, any time.
inline storage& malloc_storage() noexcept { return detail::the_malloc_storage; }

}}  // namespace zmm
