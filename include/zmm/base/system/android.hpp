// Android: Linux, with names for mappings, which tools show.
#pragma once

#include <zmm/base/system/linux.hpp>

#include <sys/prctl.h>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct android_system : linux_system {
  static void* map(void* hint, std::size_t bytes, page_access access) noexcept {
    void* const p = linux_system::map(hint, bytes, access);
    if (p == nullptr) return nullptr;
    constexpr int set_name = 0x53564D41, of_anonymous = 0;  // PR_SET_VMA, PR_SET_VMA_ANON_NAME
    static constexpr char name[] = "zmm";                   // old kernels keep the pointer
    ::prctl(set_name, of_anonymous, p, bytes, name);        // a kernel without names refuses
    return p;
  }
};

}}}  // namespace zmm::detail
