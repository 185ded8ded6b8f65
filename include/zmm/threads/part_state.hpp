// Whose a thread's part of a heap is: its thread's, nobody's, or lost in a fork.
#pragma once

#include <zmm/base/compiler.hpp>

#include <atomic>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

enum class part_status : unsigned char {
  held,    ///< one thread works in it
  orphan,  ///< its thread has ended: whoever claims it has it whole
  frozen,  ///< its thread was not taken along by fork(), and may have been in the middle of something
};

/// A part changes hands whole: from its thread to nobody, and from nobody to the one thread whose claim succeeds.
/// `Atomic` is std::atomic, or in tests one that enumerates interleavings.
template <template <class> class Atomic = std::atomic> class part_state {
public:
  /// A new part is held by the thread that makes it.
  part_state() noexcept = default;

  /// Effects: if it was an orphan, the caller holds it. Returns: whether it was.
  bool claim() noexcept {
    if (status_.load(std::memory_order_relaxed) != part_status::orphan) return false;
    part_status expected = part_status::orphan;
    // Acquire: pairs with abandon(). The claimer sees everything the part's last holder did in it.
    return status_.compare_exchange_strong(expected, part_status::held, std::memory_order_acquire,
                                           std::memory_order_relaxed);
  }

  /// Effects: nobody holds it any more. Its holder only.
  void abandon() noexcept { status_.store(part_status::orphan, std::memory_order_release); }

  /// Effects: nobody ever works in it again. In the child of a fork(), where there is one thread.
  void freeze() noexcept { status_.store(part_status::frozen, std::memory_order_relaxed); }

  /// Set before the child's first thread begins, so every thread there sees it.
  bool is_frozen() const noexcept { return status_.load(std::memory_order_relaxed) == part_status::frozen; }
  bool is_held() const noexcept { return status_.load(std::memory_order_relaxed) == part_status::held; }

private:
  Atomic<part_status> status_{part_status::held};
};

}}}  // namespace zmm::detail
