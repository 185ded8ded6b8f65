// FreeBSD: the kernel aligns mappings if it can, and waits on words.
#pragma once

#include <zmm/base/system/berkeley.hpp>

#include <ctime>
#include <pthread_np.h>
#include <signal.h>
#include <sys/thr.h>
#include <sys/umtx.h>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct freeberkeley_system : berkeley_system<freeberkeley_system> {
  static void* map_aligned(std::size_t bytes, std::size_t alignment, page_access access) noexcept {
    int power = 0;
    while ((std::size_t{1} << power) < alignment) ++power;
    if (power < 12 || power > 30) return map(nullptr, bytes, access);
    return if_mapped(::mmap(nullptr, bytes, protection(access), MAP_PRIVATE | MAP_ANON | MAP_ALIGNED(power), -1, 0));
  }
  static bool grow(void* block, std::size_t from, std::size_t to) noexcept {
    void* const end = static_cast<char*>(block) + from;
    return to > from &&
           ::mmap(end, to - from, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_FIXED | MAP_EXCL, -1, 0) == end;
  }

  /// MADV_DONTNEED is only a hint there, and keeps the pages' contents.
  static bool purge(void* p, std::size_t bytes) noexcept { return ::madvise(p, bytes, MADV_FREE) == 0; }

  using thread_number = long;
  static thread_number this_thread_number() noexcept { return ::pthread_getthreadid_np(); }
  static bool has_ended(thread_number thread) noexcept { return ::thr_kill(thread, 0) != 0 && errno == ESRCH; }
  static bool wait(void* word, std::uint32_t seen, long milliseconds) noexcept {
    ::timespec most{milliseconds / 1000, milliseconds % 1000 * 1000000};
    bool const for_ever = milliseconds == 0;
    return ::_umtx_op(word, UMTX_OP_WAIT_UINT_PRIVATE, seen, for_ever ? nullptr : reinterpret_cast<void*>(sizeof most),
                      for_ever ? nullptr : &most) == 0 ||
           errno != ETIMEDOUT;
  }
  static void wake(void* word, bool all) noexcept {
    ::_umtx_op(word, UMTX_OP_WAKE_PRIVATE, all ? 0x7fffffffUL : 1UL, nullptr, nullptr);
  }
};

}}}  // namespace zmm::detail
