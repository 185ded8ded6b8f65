// Who is inside a watch.
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/storage/own_record.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// One thread at a time, as often as it likes. Another one waits if the watch is shared; else it is stopped: the heap is not
/// made for two.
class watch_gate {
public:
  void enter(bool is_shared, void const* heap) noexcept {
    void const* const me = &own_record;
    if (inside_.load(std::memory_order_relaxed) == me) {
      ++depth_;
      return;
    }
    // Acquire and release: what the thread before did here is seen.
    void const* expected = nullptr;
    while (!inside_.compare_exchange_weak(expected, me, std::memory_order_acquire)) {
      if (expected != nullptr && !is_shared) stop({"one thread at a time is inside a heap", nullptr, heap});
      if (expected != nullptr) os_yield();
      expected = nullptr;
    }
  }
  bool is_outermost() const noexcept { return depth_ == 0; }  ///< Requires: this thread is inside.
  void leave() noexcept {
    if (depth_ != 0) --depth_;
    else inside_.store(nullptr, std::memory_order_release);
  }

private:
  std::atomic<void const*> inside_{nullptr};  ///< the thread that is
  std::size_t depth_ = 0;                     ///< how often more
};

}}}  // namespace zmm::detail
