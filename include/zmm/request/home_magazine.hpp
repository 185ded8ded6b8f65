// Which magazine of a pool is a thread's own.
#pragma once

#include <zmm/base/compiler.hpp>

#include <atomic>
#include <cstdint>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The number of the thread that asks, or of the one it has moved to; 0 before it has one. The same for all pools; it
/// needs no cleaning up.
ZMM_THREAD_LOCAL std::uint32_t home_number = 0;
ZMM_SHARED inline std::atomic<std::uint32_t> next_home_number{0};  ///< threads are dealt out in turn

/// A thread tries this magazine of a pool first, modulo their number, and moves on when it finds another thread there:
/// so threads come to lie apart, whatever their numbers were at first.
class home_magazine {
public:
  ZMM_INLINE static std::uint32_t number() noexcept {
    std::uint32_t const at = home_number;
    return ZMM_LIKELY(at != 0) ? at : settle();
  }
  static void move_to(std::uint32_t number) noexcept { home_number = number | settled; }

private:
  static constexpr std::uint32_t settled = 0x8000'0000;

  ZMM_COLD static std::uint32_t settle() noexcept {
    // Relaxed: it hands out numbers, nothing else.
    move_to(next_home_number.fetch_add(1, std::memory_order_relaxed));
    return home_number;
  }
};

}}}  // namespace zmm::detail
