// How blocks are watched, and whether engines forward them to malloc, for tools that know malloc.
#pragma once

#include <zmm/base/annotate.hpp>
#include <zmm/base/system.hpp>

#include <zmm/base/atomic.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A block of malloc's, of exactly `bytes`, so that a tool sees where it ends; null if there is none.
inline void* forwarded_block(std::size_t bytes, std::size_t alignment) noexcept {
  if (alignment <= alignof(std::max_align_t)) return host::allocate(bytes);
  return host::allocate_aligned(bytes, alignment);
}
/// Effects: frees a block of forwarded_block().
inline void zmm_free(void* block) noexcept { host::free(block); }

/// What a watch is to do. Zones that may not be touched lie in front of a block and behind it; a tool that watches
/// malloc has its own.
struct watch_policy {
  bool forwards;           ///< blocks are malloc's: no zones, no quarantine
  bool fills;              ///< what may not be used is filled with a pattern, and compared later
  bool is_shared;          ///< several threads may be inside
  std::size_t quarantine;  ///< bytes of freed blocks that are kept from reuse
};

enum class forwarding : unsigned char { unknown, off, on };
ZMM_SHARED inline detail::atomic<forwarding> forwarding_now{forwarding::unknown};

/// The environment decides; if it does not, whether a tool is running that knows malloc but not zmm.
ZMM_COLD inline bool find_forwarding() noexcept {
  char const* const wish = host::wish("ZMM_PASSTHROUGH");
  bool const on = wish != nullptr && *wish != '\0' ? *wish != '0' : is_under_memcheck();
  forwarding expected = forwarding::unknown;  // if passthrough() was called meanwhile, that stays
  forwarding_now.compare_exchange_strong(expected, on ? forwarding::on : forwarding::off);
  return forwarding_now.load() == forwarding::on;
}

/// Whether an engine that is being built forwards its blocks.
inline bool forwards_now() noexcept {
  forwarding const now = forwarding_now.load(detail::memory_order_relaxed);  // decided once, and orders nothing
  if (ZMM_LIKELY(now == forwarding::off)) return false;
  return now == forwarding::on || find_forwarding();
}

}}}  // namespace zmm::detail
