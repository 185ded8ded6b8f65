// Chooses the system's special kinds of memory, as base/system.hpp chooses the system.
#pragma once

#include <zmm/base/system.hpp>

#if defined(ZMM_FREESTANDING) || defined(_WIN32) || defined(__wasm__)
#include <zmm/base/system/bare_kinds.hpp>
namespace zmm { inline namespace ZMM_ABI { namespace detail {
using host_kinds = bare_kinds;
}}}  // namespace zmm::detail
#elif defined(__linux__)
#include <zmm/base/system/linux_kinds.hpp>
namespace zmm { inline namespace ZMM_ABI { namespace detail {
using host_kinds = linux_kinds;
}}}  // namespace zmm::detail
#else
#include <zmm/base/system/posix_kinds.hpp>
namespace zmm { inline namespace ZMM_ABI { namespace detail {
using host_kinds = posix_kinds;
}}}  // namespace zmm::detail
#endif
