// What zmm asks of a POSIX system besides memory.
#pragma once

#include <zmm/base/bits.hpp>

#include <sched.h>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
/// POSIX's getpagesize(), by another name: its header, <unistd.h>, is the heaviest that zmm would have.
extern "C" int zmm_getpagesize() noexcept __asm__("getpagesize");
}  // namespace detail

/// Bytes of the operating system's page: 4 to 64 KiB, known at run time only.
inline std::size_t os_page_size() noexcept {
  static std::size_t const size = static_cast<std::size_t>(detail::zmm_getpagesize());
  return size;
}

namespace detail {
/// Lets another thread run.
inline void os_yield() noexcept { ::sched_yield(); }
}  // namespace detail

}}  // namespace zmm
