// Mappings as every POSIX system has them. Differences are in the systems' own files.
#pragma once

#include <cerrno>
#include <sys/mman.h>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct posix_system : c_library {
  static constexpr std::size_t chunk_bytes = std::size_t{2} << 20;
  static constexpr bool has_reserves = true;
  static constexpr std::size_t most_reserves = 8192;
  static constexpr bool takes_hints = true;

  static constexpr int protection(page_access access) noexcept {
    return access == page_access::write ? PROT_READ | PROT_WRITE : PROT_NONE;
  }
  static void* if_mapped(void* p) noexcept { return p == MAP_FAILED ? nullptr : p; }

  static void* map(void* hint, std::size_t bytes, page_access access) noexcept {
    return if_mapped(::mmap(hint, bytes, protection(access), MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }
  static bool unmap(void* p, std::size_t bytes) noexcept { return ::munmap(p, bytes) == 0; }
  static bool open(void* p, std::size_t bytes) noexcept { return ::mprotect(p, bytes, PROT_READ | PROT_WRITE) == 0; }
};

}}}  // namespace zmm::detail
