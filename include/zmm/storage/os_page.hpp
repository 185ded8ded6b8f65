// The operating system's page.
#pragma once

#include <zmm/base/bits.hpp>
#include <zmm/base/system.hpp>

#include <zmm/base/atomic.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
/// 0: not known yet. Not a local static: a child that is forked during its initialisation would wait for it for ever.
/// Tests set a larger one before anything else.
ZMM_SHARED inline atomic<std::size_t> known_page_size{0};
}  // namespace detail

/// Bytes of the operating system's page: 4 to 64 KiB, known only at run time.
inline std::size_t os_page_size() noexcept {
  std::size_t size = detail::known_page_size.load(detail::memory_order_relaxed);
  if (ZMM_UNLIKELY(size == 0)) {
    size = detail::host::page_size();
    detail::known_page_size.store(size, detail::memory_order_relaxed);
  }
  return size;
}

}}  // namespace zmm
