// Chunks from private mappings of a file of zeros, as systems without anonymous mappings have them.
#pragma once

#include <zmm/base/system_kinds.hpp>
#include <zmm/storage/os_storage.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {

/// The file is opened for each mapping: a descriptor that was kept could be closed by the program, and its number be
/// another file's. Null where there is no such file.
ZMM_SHARED inline os_storage_type the_zero_storage{&host_kinds::map_zero_file};

}  // namespace detail

/// Returns: the storage whose blocks are private mappings of /dev/zero. It does all that os_storage() does, at the price
/// of two more system calls a mapping, and has no memory where there is no such file. Any thread, any time.
inline storage& zero_storage() noexcept {
  if constexpr (!detail::host_kinds::has_zero_file) return os_storage();
  return detail::the_zero_storage;
}

}}  // namespace zmm
