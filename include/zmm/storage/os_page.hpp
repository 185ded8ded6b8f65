// What zmm asks of a POSIX system besides memory.
#pragma once

#include <zmm/base/bits.hpp>
#include <zmm/base/libc.hpp>

#include <atomic>

namespace zmm { inline namespace ZMM_ABI {

/// Bytes of the operating system's page: 4 to 64 KiB, known at run time only.
inline std::size_t os_page_size() noexcept {
  // Not a constant made at the first call: a child forked during that call would wait for its end for ever.
  static std::atomic<std::size_t> known{0};
  std::size_t size = known.load(std::memory_order_relaxed);
  if (ZMM_UNLIKELY(size == 0)) {
    size = static_cast<std::size_t>(detail::zmm_getpagesize());
    known.store(size, std::memory_order_relaxed);
  }
  return size;
}

namespace detail {
/// The number of this process: another one in a forked child.
inline int os_process_id() noexcept { return zmm_getpid(); }
/// Lets another thread run.
inline void os_yield() noexcept { zmm_sched_yield(); }
}  // namespace detail

}}  // namespace zmm
