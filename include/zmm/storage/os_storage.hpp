// Storage from the operating system.
#pragma once

#include <zmm/base/system.hpp>
#include <zmm/storage/mapped_storage.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
using os_storage_base = mapped_storage<host>;

/// Returns: whether the system took it back.
inline bool os_unmap(void* p, std::size_t bytes) noexcept { return unmap_from<host>(p, bytes); }

class os_storage_type final : public os_storage_base {
public:
  using os_storage_base::os_storage_base;
};
ZMM_SHARED ZMM_CONSTINIT inline os_storage_type the_os_storage;  // trivially destroyed: usable at the program's end, too
}  // namespace detail

/// Returns: the storage that takes memory from the operating system; one in a process. Any thread, any time. Without an
/// operating system (ZMM_FREESTANDING) it has no memory.
inline storage& os_storage() noexcept { return detail::the_os_storage; }

}}  // namespace zmm
