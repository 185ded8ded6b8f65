// The functions of POSIX C libraries other than glibc (musl, bionic, macOS, the BSDs) that zmm calls, with their own types.
#pragma once

#include <zmm/base/system/bare.hpp>

#include <cerrno>
#include <cstdlib>
#include <pthread.h>
#include <unistd.h>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct c_library : bare_system {
  using thread = pthread_t;
  using thread_key = pthread_key_t;
  static thread this_thread() noexcept { return ::pthread_self(); }
  static bool make_key(thread_key* key, void (*at_end)(void*)) noexcept {
    return ::pthread_key_create(key, at_end) == 0;
  }
  static void delete_key(thread_key key) noexcept { ::pthread_key_delete(key); }
  static bool set_key(thread_key key, void* value) noexcept { return ::pthread_setspecific(key, value) == 0; }

  static error last_error() noexcept { return errno; }
  static void set_last_error(error e) noexcept { errno = e; }
  static std::size_t page_size() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }
  static int process_number() noexcept { return ::getpid(); }
  template <class... Arguments> static long system_call(long number, Arguments... arguments) noexcept {
    return ::syscall(number, arguments...);
  }
  static bool at_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept {
    return ::pthread_atfork(before, in_parent, in_child) == 0;
  }

  static constexpr bool tells = true;
  static bool tell(char const* text, std::size_t bytes) noexcept { return ::write(2, text, bytes) >= 0; }
  /// Null in a setuid program, as secure_getenv(), which not every library has.
  static char const* wish(char const* name) noexcept {
    return ::getuid() == ::geteuid() && ::getgid() == ::getegid() ? ::getenv(name) : nullptr;
  }
  static void* allocate(std::size_t bytes) noexcept { return ::malloc(bytes); }
  static void* allocate_aligned(std::size_t bytes, std::size_t alignment) noexcept {
    void* block = nullptr;
    return ::posix_memalign(&block, alignment, bytes) == 0 ? block : nullptr;
  }
  static void free(void* block) noexcept { ::free(block); }
};

}}}  // namespace zmm::detail
