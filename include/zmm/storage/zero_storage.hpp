// Chunks from private mappings of /dev/zero, for systems without anonymous mappings.
#pragma once

#include <zmm/base/system_kinds.hpp>
#include <zmm/storage/os_storage.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {

/// The file is opened for each mapping: the program could close a descriptor that was kept, and its number could become
/// another file's. Has no memory where there is no such file.
ZMM_SHARED inline os_storage_type the_zero_storage{&host_kinds::map_zero_file};

}  // namespace detail

/// Returns: the storage whose blocks are private mappings of /dev/zero. It does all that os_storage() does, with two more
/// system calls for each mapping, and has no memory where there is no such file. Any thread, any time.
inline storage& zero_storage() noexcept {
  if constexpr (!detail::host_kinds::has_zero_file) return os_storage();
  return detail::the_zero_storage;
}

}}  // namespace zmm
