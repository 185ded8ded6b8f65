// What zmm calls of the C library, declared without its headers: <cstdio> and <pthread.h> would be a tenth of what
// zmm/allocator.hpp weighs. A test holds these declarations against the headers' own.
#pragma once

#include <zmm/base/compiler.hpp>

#include <cstddef>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

using os_thread = unsigned long;  ///< pthread_t; 0: no thread
using os_thread_key = unsigned;   ///< pthread_key_t

extern "C" {
[[gnu::format(printf, 2, 3)]] int zmm_dprintf(int descriptor, char const* format, ...) __asm__("dprintf");

char* zmm_secure_getenv(char const* name) noexcept __asm__("secure_getenv");  ///< null in a setuid program
void* zmm_malloc(std::size_t bytes) noexcept __asm__("malloc");
int zmm_posix_memalign(void** block, std::size_t alignment, std::size_t bytes) noexcept __asm__("posix_memalign");
void zmm_free(void* block) noexcept __asm__("free");

int zmm_getpagesize() noexcept __asm__("getpagesize");
int zmm_getpid() noexcept __asm__("getpid");
int zmm_sched_yield() noexcept __asm__("sched_yield");
os_thread zmm_thread_self() noexcept __asm__("pthread_self");
int zmm_key_create(os_thread_key* key, void (*at_end)(void*)) noexcept __asm__("pthread_key_create");
int zmm_key_delete(os_thread_key key) noexcept __asm__("pthread_key_delete");
int zmm_key_set(os_thread_key key, void const* value) noexcept __asm__("pthread_setspecific");
int zmm_at_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept __asm__("pthread_atfork");
}

inline constexpr int standard_error = 2;  ///< file descriptor

}}}  // namespace zmm::detail
