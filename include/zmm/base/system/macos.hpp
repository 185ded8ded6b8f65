// macOS, iOS: the kernel aligns mappings; threads wait as in libc++.
#pragma once

#include <zmm/base/system/berkeley.hpp>

#include <mach/mach_init.h>
#include <mach/mach_vm.h>
#include <mach/vm_statistics.h>

extern "C" {
int __ulock_wait(std::uint32_t operation, void* word, std::uint64_t seen, std::uint32_t microseconds);
int __ulock_wake(std::uint32_t operation, void* word, std::uint64_t unused);
int pthread_threadid_np(pthread_t thread, std::uint64_t* number);
}

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct macos_system : berkeley_system<macos_system> {
  static constexpr int tag = VM_MAKE_TAG(VM_MEMORY_APPLICATION_SPECIFIC_1 + 14);  ///< shown by vmmap; any of sixteen

  static void* map(void* hint, std::size_t bytes, page_access access) noexcept {
    return if_mapped(::mmap(hint, bytes, protection(access), MAP_PRIVATE | MAP_ANON, tag, 0));
  }
  static void* map_aligned(std::size_t bytes, std::size_t alignment, page_access access) noexcept {
    return map_at(0, bytes, alignment - 1, VM_FLAGS_ANYWHERE, access);
  }
  /// A mapping at a fixed place, and only if it is free.
  static bool grow(void* block, std::size_t from, std::size_t to) noexcept {
    return to > from && map_at(reinterpret_cast<mach_vm_address_t>(block) + from, to - from, 0, VM_FLAGS_FIXED,
                               page_access::write) != nullptr;
  }

  /// MADV_DONTNEED would keep the memory. Pages can be written after MADV_FREE_REUSABLE without another call; the system's
  /// figures then show less memory than there is, which is better than a call before each use of a page.
  static bool purge(void* p, std::size_t bytes) noexcept {
    int failed = 0;
    do failed = ::madvise(p, bytes, MADV_FREE_REUSABLE);
    while (failed != 0 && errno == EAGAIN);
    return failed == 0 || ::madvise(p, bytes, MADV_FREE) == 0;
  }

  using thread_number = std::uint64_t;
  static thread_number this_thread_number() noexcept {
    std::uint64_t number = 0;
    return ::pthread_threadid_np(thread{}, &number) == 0 ? number : 0;
  }
  // has_ended(): threads cannot be looked up by number. What a thread leaves at an unnoticed end stays until its heap ends.

  static bool wait(void* word, std::uint32_t seen, long milliseconds) noexcept {
    int const got = ::__ulock_wait(compare_and_wait, word, seen, static_cast<std::uint32_t>(milliseconds * 1000));
    return got >= 0 || got != -ETIMEDOUT;
  }
  static void wake(void* word, bool all) noexcept { ::__ulock_wake(compare_and_wait | (all ? 0x100U : 0U), word, 0); }

private:
  static constexpr std::uint32_t compare_and_wait = 1 | 0x01000000;  // UL_COMPARE_AND_WAIT, ULF_NO_ERRNO

  static void* map_at(mach_vm_address_t place, std::size_t bytes, std::size_t mask, int how,
                      page_access access) noexcept {
    vm_prot_t const now = access == page_access::write ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_NONE;
    kern_return_t const failed = ::mach_vm_map(::mach_task_self(), &place, bytes, mask, how | tag, MEMORY_OBJECT_NULL,
                                               0, 1, now, VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_COPY);
    return failed == KERN_SUCCESS ? reinterpret_cast<void*>(place) : nullptr;
  }
};

}}}  // namespace zmm::detail
