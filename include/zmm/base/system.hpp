// Chooses the system; only this file branches between systems. Each system has a file in system/.
#pragma once

#include <zmm/base/bits.hpp>
#include <zmm/base/system/bare.hpp>

#if defined(ZMM_FREESTANDING)
namespace zmm { inline namespace ZMM_ABI { namespace detail {
using host = bare_system;
}}}  // namespace zmm::detail
#elif defined(__linux__)
#if ZMM_GLIBC
#include <zmm/base/system/glibc.hpp>
#else
#include <zmm/base/system/pthreads.hpp>
#endif
#if defined(__ANDROID__)
#include <zmm/base/system/android.hpp>
namespace zmm { inline namespace ZMM_ABI { namespace detail {
using host = android_system;
}}}  // namespace zmm::detail
#else
#include <zmm/base/system/linux.hpp>
namespace zmm { inline namespace ZMM_ABI { namespace detail {
using host = linux_system;
}}}  // namespace zmm::detail
#endif
#elif defined(_WIN32)
#include <zmm/base/system/windows.hpp>
namespace zmm { inline namespace ZMM_ABI { namespace detail {
using host = windows_system;
}}}  // namespace zmm::detail
#elif defined(__APPLE__)
#include <zmm/base/system/macos.hpp>
namespace zmm { inline namespace ZMM_ABI { namespace detail {
using host = macos_system;
}}}  // namespace zmm::detail
#elif defined(__FreeBSD__)
#include <zmm/base/system/freebsd.hpp>
namespace zmm { inline namespace ZMM_ABI { namespace detail {
using host = freebsd_system;
}}}  // namespace zmm::detail
#elif defined(__wasm__)
#include <zmm/base/system/wasm.hpp>
namespace zmm { inline namespace ZMM_ABI { namespace detail {
using host = wasm_system;
}}}  // namespace zmm::detail
#else
#error                                                                                                                 \
    "zmm does not know this system: say ZMM_FREESTANDING for one without, or write a file in base/system/ and choose it here"
#endif
