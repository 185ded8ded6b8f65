// Who holds a thread's cache: one thread, or nobody.
#pragma once

#include <zmm/base/compiler.hpp>

#include <zmm/base/atomic.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The right to use something, which passes from its holder to nobody, and from nobody to the one thread whose claim
/// succeeds.
/// `Atomic` is detail::atomic, or in tests one that enumerates interleavings.
template <template <class> class Atomic = detail::atomic> class claim {
public:
  /// The thread that makes it holds it.
  claim() noexcept = default;

  /// Effects: if nobody held it, the caller does. Returns: whether nobody did.
  bool take() noexcept {
    if (held_.load(detail::memory_order_relaxed)) return false;
    // Acquire: pairs with give(). The claimer sees everything the last holder did.
    return !held_.exchange(true, detail::memory_order_acquire);
  }

  /// Effects: nobody holds it any more. Called by its holder only; or, in the child of a fork(), by the one thread
  /// there is.
  void give() noexcept { held_.store(false, detail::memory_order_release); }

  bool is_held() const noexcept { return held_.load(detail::memory_order_relaxed); }

private:
  Atomic<bool> held_{true};
};

}}}  // namespace zmm::detail
