// The common part of macOS and FreeBSD: the kernel aligns mappings, and purged pages keep their contents until they are taken.
#pragma once

#include <zmm/base/system/pthreads.hpp>

#include <zmm/base/system/mappings.hpp>

#include <sys/resource.h>

extern "C" void arc4random_buf(void* to, std::size_t bytes);

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// System has the function that purges.
template <class System> struct berkeley_system : posix_system {
  static constexpr bool maps_aligned = true;

  static bool drop(void* p, std::size_t bytes) noexcept { return System::purge(p, bytes); }
  static bool close(void* p, std::size_t bytes) noexcept {
    if (!drop(p, bytes)) return false;
    ::mprotect(p, bytes, PROT_NONE);
    return true;
  }

  static std::size_t most_addresses() noexcept {
    ::rlimit limit{};
    if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return ~std::size_t{0};
    return static_cast<std::size_t>(limit.rlim_cur);
  }

  static bool draw(void* to, std::size_t bytes) noexcept {
    ::arc4random_buf(to, bytes);
    return true;
  }
};

}}}  // namespace zmm::detail
