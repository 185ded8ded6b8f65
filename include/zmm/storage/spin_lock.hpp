// A lock for a few instructions at a time.
#pragma once

#include <zmm/storage/os_page.hpp>

#include <atomic>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// One byte, constant-initialised. A waiter spins a little and then yields, so that a holder that was descheduled gets
/// its turn. Meets BasicLockable.
class spin_lock {
public:
  void lock() noexcept {
    if (ZMM_LIKELY(!held_.exchange(true, std::memory_order_acquire))) return;
    wait();
  }
  void unlock() noexcept { held_.store(false, std::memory_order_release); }

private:
  ZMM_NOINLINE void wait() noexcept {
    do {
      for (int spins = 0; held_.load(std::memory_order_relaxed); ++spins) {
        if (spins > 64) os_yield();
      }
    } while (held_.exchange(true, std::memory_order_acquire));
  }

  std::atomic<bool> held_{false};
};

/// Holds the lock while it lives.
class spin_guard {
public:
  explicit spin_guard(spin_lock& lock) noexcept : lock_(lock) { lock_.lock(); }
  ~spin_guard() { lock_.unlock(); }
  spin_guard(spin_guard const&) = delete;
  spin_guard& operator=(spin_guard const&) = delete;

private:
  spin_lock& lock_;
};

}}}  // namespace zmm::detail
