// Linux: mappings that grow in place and move, futexes. Functions with heavy headers are called as system calls, by
// number.
#pragma once

#include <zmm/base/system/mappings.hpp>

#include <sys/syscall.h>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct linux_system : posix_system {
  static bool purge(void* p, std::size_t bytes) noexcept { return ::madvise(p, bytes, MADV_DONTNEED) == 0; }
  static bool drop(void* p, std::size_t bytes) noexcept {
    constexpr int dontneed_locked = 24;  // MADV_DONTNEED_LOCKED, of Linux 5.18
    return purge(p, bytes) || ::madvise(p, bytes, dontneed_locked) == 0;
  }
  static bool close(void* p, std::size_t bytes) noexcept {
    if (!drop(p, bytes)) return false;
    ::mprotect(p, bytes, PROT_NONE);  // stays writable if the process has as many mappings as it may
    return true;
  }
  /// One call, which costs half of what a fault for each page does. Kernels before 5.14 do not have it: there pages are
  /// faulted in.
  static void make_ready(void* p, std::size_t bytes) noexcept {
    constexpr int populate_write = 23;  // MADV_POPULATE_WRITE, which older headers do not have
    ::madvise(p, bytes, populate_write);
  }

  static bool grow(void* block, std::size_t from, std::size_t to) noexcept {
    return ::mremap(block, from, to, 0) == block;
  }
  static resized resize(void* block, std::size_t from, std::size_t to) noexcept {
    errno = 0;
    if (grow(block, from, to)) return resized::yes;
    // Otherwise it is not one mapping, or may not grow at all.
    return errno == 0 || errno == ENOMEM ? resized::by_moving_only : resized::no;
  }
  static bool move_to(void* place, void* block, std::size_t from, std::size_t to) noexcept {
    return ::mremap(block, from, to, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place;
  }
  /// The kernel reads, so another thread may unmap the memory meanwhile. If the process may not use the call: false.
  static bool peek(void const* from, void* to, std::size_t bytes) noexcept {
    struct {  // iovec
      void const* start;
      std::size_t bytes;
    } const here{to, bytes}, there{from, bytes};
    return system_call(SYS_process_vm_readv, long{process_number()}, &here, 1L, &there, 1L, 0L) ==
           static_cast<long>(bytes);
  }

  static std::size_t most_addresses() noexcept {
    struct {
      std::uint64_t now, most;
    } limit{0, 0};
    bool const is_known = system_call(SYS_prlimit64, 0L, ZMM_LIMIT_OF_ADDRESSES, nullptr, &limit) == 0;
    return is_known && limit.now < ~std::size_t{0} ? static_cast<std::size_t>(limit.now) : ~std::size_t{0};
  }

  using thread_number = int;  ///< pid_t
  static thread_number this_thread_number() noexcept { return static_cast<thread_number>(system_call(SYS_gettid)); }
  static bool has_ended(thread_number thread) noexcept {
    return system_call(SYS_tgkill, static_cast<long>(process_number()), static_cast<long>(thread), 0L) != 0 &&
           errno == ESRCH;
  }
  static bool wait(void* word, std::uint32_t seen, long milliseconds) noexcept {
    constexpr long wait_private = 128;  // FUTEX_WAIT_PRIVATE
    struct {
      long seconds, nanoseconds;
    } const most{milliseconds / 1000, milliseconds % 1000 * 1000000};  // a timespec, as the kernel knows it
    return system_call(SYS_futex, word, wait_private, static_cast<long>(seen), milliseconds != 0 ? &most : nullptr,
                       nullptr, 0L) == 0 ||
           errno != ETIMEDOUT;
  }
  static void wake(void* word, bool all) noexcept {
    constexpr long wake_private = 129;  // FUTEX_WAKE_PRIVATE
    system_call(SYS_futex, word, wake_private, all ? 0x7fffffffL : 1L, nullptr, nullptr, 0L);
  }

  static bool draw(void* to, std::size_t bytes) noexcept {
    return system_call(SYS_getrandom, to, bytes, 0L) == static_cast<long>(bytes);
  }
  static std::uint64_t moment() noexcept {
    struct {
      long seconds, nanoseconds;
    } now{0, 0};
    system_call(SYS_clock_gettime, 0L, &now);
    return static_cast<std::uint64_t>(now.seconds) * 1000000000U + static_cast<std::uint64_t>(now.nanoseconds);
  }
};

}}}  // namespace zmm::detail
