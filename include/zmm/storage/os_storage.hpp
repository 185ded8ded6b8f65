// Chooses the operating system; the only branches between systems are here.
#pragma once

#include <zmm/base/compiler.hpp>

#if defined(__linux__)
#include <zmm/storage/os_linux.hpp>
namespace zmm { inline namespace ZMM_ABI { namespace detail {
using os_storage_type = linux_storage;
}}}  // namespace zmm::detail
#else
#error "zmm has storage for Linux; for another system write a class like detail::posix_storage and choose it here"
#endif

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
ZMM_SHARED inline os_storage_type
    the_os_storage;  // constant-initialised, trivially destroyed: there before and after all
ZMM_SHARED inline os_storage_type the_huge_page_storage{true};
}

/// Returns: the storage that takes memory from the operating system; one a process. Any thread, any time.
inline storage& os_storage() noexcept { return detail::the_os_storage; }

/// Returns: the same with the advice to back chunks and huge blocks by huge pages (transparent ones, where the system
/// has them). For large memory that is filled densely: a page fault in 2 MiB instead of 512, and fewer TLB misses. A
/// block that is touched at one place may then hold a whole huge page there.
inline storage& huge_page_storage() noexcept { return detail::the_huge_page_storage; }

}}  // namespace zmm
