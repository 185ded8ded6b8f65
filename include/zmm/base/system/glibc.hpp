// The functions of glibc that zmm calls, declared without its headers: <cstdio> and <pthread.h> would be a tenth of
// zmm/allocator.hpp's lines. A test compares these declarations with the headers' own.
#pragma once

#include <zmm/base/system/bare.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

extern "C" {
long zmm_write(int descriptor, void const* text, std::size_t bytes) __asm__("write");
long zmm_system_call(long number, ...) noexcept __asm__("syscall");
char* zmm_secure_getenv(char const* name) noexcept __asm__("secure_getenv");  ///< null in a setuid program
void* zmm_c_malloc(std::size_t bytes) noexcept __asm__("malloc");
int zmm_posix_memalign(void** block, std::size_t alignment, std::size_t bytes) noexcept __asm__("posix_memalign");
void zmm_c_free(void* block) noexcept __asm__("free");
int zmm_getpagesize() noexcept __asm__("getpagesize");
int zmm_getpid() noexcept __asm__("getpid");
int* zmm_last_error() noexcept __asm__("__errno_location");
unsigned long zmm_thread_self() noexcept __asm__("pthread_self");
int zmm_key_create(unsigned* key, void (*at_end)(void*)) noexcept __asm__("pthread_key_create");
int zmm_key_delete(unsigned key) noexcept __asm__("pthread_key_delete");
int zmm_key_set(unsigned key, void const* value) noexcept __asm__("pthread_setspecific");
int zmm_at_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept __asm__("pthread_atfork");
}

struct c_library : bare_system {
  using thread = unsigned long;  ///< pthread_t
  using thread_key = unsigned;   ///< pthread_key_t
  static thread this_thread() noexcept { return zmm_thread_self(); }
  static bool make_key(thread_key* key, void (*at_end)(void*)) noexcept { return zmm_key_create(key, at_end) == 0; }
  static void delete_key(thread_key key) noexcept { zmm_key_delete(key); }
  static bool set_key(thread_key key, void* value) noexcept { return zmm_key_set(key, value) == 0; }

  static error last_error() noexcept { return *zmm_last_error(); }
  static void set_last_error(error e) noexcept { *zmm_last_error() = e; }
  static std::size_t page_size() noexcept { return static_cast<std::size_t>(zmm_getpagesize()); }
  static int process_number() noexcept { return zmm_getpid(); }
  template <class... Arguments> static long system_call(long number, Arguments... arguments) noexcept {
    return zmm_system_call(number, arguments...);
  }
  static bool at_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept {
    return zmm_at_fork(before, in_parent, in_child) == 0;
  }

  static constexpr bool tells = true;
  static bool tell(char const* text, std::size_t bytes) noexcept { return zmm_write(2, text, bytes) >= 0; }
  static char const* wish(char const* name) noexcept { return zmm_secure_getenv(name); }
  static void* allocate(std::size_t bytes) noexcept { return zmm_c_malloc(bytes); }
  static void* allocate_aligned(std::size_t bytes, std::size_t alignment) noexcept {
    void* block = nullptr;
    return zmm_posix_memalign(&block, alignment, bytes) == 0 ? block : nullptr;
  }
  static void free(void* block) noexcept { zmm_c_free(block); }
};

}}}  // namespace zmm::detail
