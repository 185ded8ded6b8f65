// What zmm asks of a POSIX system besides memory.
#pragma once

#include <zmm/base/bits.hpp>

#include <sched.h>
#include <unistd.h>

namespace zmm { inline namespace ZMM_ABI {

/// Bytes of the operating system's page: 4 to 64 KiB, known at run time only.
inline std::size_t os_page_size() noexcept {
  static std::size_t const size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

namespace detail {
/// Lets another thread run.
inline void os_yield() noexcept { ::sched_yield(); }
}  // namespace detail

}}  // namespace zmm
