// Which thread is inside a watch.
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/storage/mutex.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Lets one thread in at a time, which may enter again. Another one waits if the watch is shared; else it goes to the
/// stop handler, because the heap is for one thread at a time.
class watch_gate : mutex {
public:
  watch_gate() noexcept : mutex(lock_rank::watch) {}

  /// Effects: a thread that enters this gate enters `outer` first; null: this gate only. Requires: nobody is inside, or
  /// `outer` is the same as before.
  void stand_in(watch_gate* outer) noexcept {
    if (outer_ != outer) outer_ = outer;
  }

  void enter(bool is_shared, void const* heap) noexcept {
    if (outer_ != nullptr) outer_->enter(is_shared, heap);
    if (inside_.load(detail::memory_order_relaxed) == &held_locks) {
      ++depth_;
      return;
    }
    if (is_shared) note_wanted(*this);
    if (!mutex::try_lock()) {
      if (!is_shared) stop({"one thread at a time is inside a heap", nullptr, heap});
      mutex::lock();
    }
    inside_.store(&held_locks, detail::memory_order_relaxed);
    note_held(held_);
  }
  bool is_outermost() const noexcept { return depth_ == 0; }  ///< Requires: this thread is inside.
  void leave() noexcept {
    if (depth_ != 0) {
      --depth_;
    } else {
      note_let_go(held_);
      let_go();
    }
    if (outer_ != nullptr) outer_->leave();
  }
  /// For fork().
  mutex& lock_for_fork() noexcept { return *this; }

private:
  void let_go() noexcept {
    depth_ = 0;
    inside_.store(nullptr, detail::memory_order_relaxed);
    mutex::unlock();
  }

  detail::atomic<void const*> inside_{nullptr};  ///< the thread that is inside, by the address of its list of locks
  std::size_t depth_ = 0;                        ///< how many times more than once it is inside
  watch_gate* outer_ = nullptr;                  ///< a thread that is inside here is inside there, too
  held_lock held_{static_cast<mutex*>(this),
                  [](void const* gate) noexcept {
                    static_cast<watch_gate*>(static_cast<mutex*>(const_cast<void*>(gate)))->let_go();
                  },
                  static_cast<unsigned>(lock_rank::watch)};
};

}}}  // namespace zmm::detail
