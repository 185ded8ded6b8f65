// Which magazine of a pool is a thread's own.
#pragma once

#include <zmm/storage/own_record.hpp>

#include <zmm/base/atomic.hpp>
#include <cstdint>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

ZMM_SHARED inline detail::atomic<std::uint32_t> next_home_number{0};  ///< numbers are handed out in turn

/// A thread tries the magazine of this number first, modulo the number of magazines, and moves on to another number
/// when it finds another thread there: so threads come to use different magazines, whatever their numbers were at
/// first. The number is the same for all pools, 0 before the thread has one, and needs no cleaning up.
class home_magazine {
public:
  ZMM_INLINE static std::uint32_t number() noexcept {
    std::uint32_t const at = own_thread.magazine;
    return ZMM_LIKELY(at != 0) ? at : settle();
  }
  static void move_to(std::uint32_t number) noexcept { own_thread.magazine = number | settled; }

private:
  static constexpr std::uint32_t settled = 0x8000'0000;

  ZMM_COLD static std::uint32_t settle() noexcept {
    // Relaxed: it hands out numbers, nothing else.
    move_to(next_home_number.fetch_add(1, detail::memory_order_relaxed));
    return own_thread.magazine;
  }
};

}}}  // namespace zmm::detail
