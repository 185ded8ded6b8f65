// The lock, and the order in which locks are taken.
//
// A thread that holds locks takes only locks of higher rank. Storages are called under `pool`, `claim`, `central` and `source`;
// a storage is the user's, and may use other heaps. So inside these a lock of any rank may be taken, but not one that the
// thread holds already: a storage must not use the heap it serves. Forks, which hold all locks at once, do not wait long for
// one while they hold others (fork_guard.hpp), so they fit any order. A stop releases all locks first (base/checks.hpp).
#pragma once

#include <zmm/base/held_locks.hpp>
#include <zmm/storage/os_page.hpp>
#include <zmm/storage/os_wait.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// All locks, the outermost first.
enum class lock_rank : std::uint8_t {
  none,       ///< a mark, which no thread waits for
  watch,      ///< a watch; its engine is called inside
  leaving,    ///< a cache that a thread leaves at its end
  pool,       ///< a request pool; storage is called inside
  claim,      ///< a pool's magazine, where a thread waits for it
  journal,    ///< what a pool knows of its listed requests
  central,    ///< the heap that threads share
  source,     ///< a chunk source that threads share; storage is called inside
  members,    ///< the caches that each thread has
  keys,       ///< the source of keys
  samples,    ///< stacks, and the samples of all heaps
  reserves,   ///< blocks of the operating system's storage that have a reserve
  leftovers,  ///< address space that the operating system refused to unmap
  forks,      ///< the locks that take part in forks
};

/// For tests: called before each lock is taken, with the locks that the thread holds. Null: not called.
using lock_observer = void (*)(held_lock const* held, void const* lock, lock_rank rank) noexcept;
ZMM_SHARED inline detail::atomic<lock_observer> current_lock_observer{nullptr};

/// The thread that holds the locks of the process for its fork; 0: none.
ZMM_SHARED inline detail::atomic<host::thread> forking_thread{};
/// Relaxed: only the thread's own store matters to it.
inline bool is_forking() noexcept { return forking_thread.load(detail::memory_order_relaxed) == host::this_thread(); }

/// Constant-initialised. Taking it and releasing it cost one compare-and-exchange each. A waiter spins for a few
/// instructions and then sleeps, so the holder may make system calls. Meets BasicLockable.
///
/// A lock that is *held for a fork* lets the forking thread pass: for it, lock() and unlock() do nothing. So the fork
/// handlers of the program and its libraries, which run in that thread, may use heaps as always, while every other thread
/// waits.
class mutex {
public:
  constexpr explicit mutex(lock_rank rank) noexcept : rank_(rank) {}

  void lock() noexcept {
    std::uint32_t now = 0;
    if (ZMM_LIKELY(state_.compare_exchange_strong(now, held, detail::memory_order_acquire, detail::memory_order_relaxed)))
      return;
    wait();
  }
  /// Returns: whether it was free, or lets this thread pass.
  bool try_lock() noexcept {
    std::uint32_t now = 0;
    return state_.compare_exchange_strong(now, held, detail::memory_order_acquire, detail::memory_order_relaxed) ||
           passes(now);
  }
  void unlock() noexcept {
    std::uint32_t now = held;
    if (ZMM_LIKELY(state_.compare_exchange_strong(now, 0, detail::memory_order_release, detail::memory_order_relaxed)))
      return;
    if ((now & forked) == 0) let_go();
  }

  /// hold() and let_go() are lock() and unlock() across a fork. Threads that wait in hold() come before all that wait in
  /// lock(); else a thread that wants several locks at once might never get them.
  void hold() noexcept {
    while (!hold_soon()) {}
  }
  /// Returns: whether it is held now; false: another thread has kept it for a few milliseconds.
  bool hold_soon() noexcept {
    std::uint32_t now = state_.load(detail::memory_order_relaxed);
    for (bool is_late = false;;) {
      if ((now & held) == 0) {
        if (state_.compare_exchange_weak(now, held | forked | (now & awaited), detail::memory_order_acquire,
                                         detail::memory_order_relaxed))
          return true;
      } else if (is_late) {
        state_.fetch_and(~wanted, detail::memory_order_relaxed);
        os_wake_all(state_);  // threads that waited because of `wanted`
        return false;
      } else if (std::uint32_t const next = now | awaited | wanted;
                 now == next || state_.compare_exchange_weak(now, next, detail::memory_order_relaxed)) {
        is_late = !os_wait(state_, next, 5);
        now = state_.load(detail::memory_order_relaxed);
      }
    }
  }
  void let_go() noexcept {
    std::uint32_t const before = state_.fetch_and(wanted, detail::memory_order_release);
    if ((before & awaited) != 0) (before & wanted) != 0 ? os_wake_all(state_) : os_wake_one(state_);
  }

  /// For the child of a fork, where no other thread is, and so none waits.
  void forget_waiters() noexcept { state_.fetch_and(held | forked, detail::memory_order_relaxed); }

  lock_rank rank() const noexcept { return rank_; }

private:
  static constexpr std::uint32_t held = 1, awaited = 2, forked = 4, wanted = 8;

  static bool passes(std::uint32_t now) noexcept { return (now & forked) != 0 && is_forking(); }

  ZMM_COLD void wait() noexcept {
    std::uint32_t now = state_.load(detail::memory_order_relaxed);
    for (int spins = 0; now == held && spins < 100; ++spins) {
      ZMM_PAUSE();
      now = state_.load(detail::memory_order_relaxed);
    }
    while (!passes(now)) {
      bool const is_free = (now & (held | wanted)) == 0;
      // A thread that has waited does not know whether others still sleep: so its unlock() wakes one.
      std::uint32_t const next = now | awaited | (is_free ? held : 0);
      if (now != next &&
          !state_.compare_exchange_weak(now, next, detail::memory_order_acquire, detail::memory_order_relaxed))
        continue;
      if (is_free) return;
      os_wait(state_, next);
      now = state_.load(detail::memory_order_relaxed);
    }
  }

  detail::atomic<std::uint32_t> state_{0};
  lock_rank const rank_;
};

/// Called before a lock is taken, for tests.
inline void note_wanted(mutex const& wanted) noexcept {
  lock_observer const observe = current_lock_observer.load(detail::memory_order_relaxed);
  if (ZMM_UNLIKELY(observe != nullptr)) observe(held_locks, &wanted, wanted.rank());
}

/// Holds the lock while it lives.
class mutex_guard {
public:
  explicit mutex_guard(mutex& taken) noexcept : held_{&taken, &unlock, static_cast<unsigned>(taken.rank())} {
    note_wanted(taken);
    taken.lock();
    note_held(held_);
  }
  ~mutex_guard() {
    note_let_go(held_);
    unlock(held_.lock);
  }
  mutex_guard(mutex_guard const&) = delete;
  mutex_guard& operator=(mutex_guard const&) = delete;

private:
  static void unlock(void const* lock) noexcept { static_cast<mutex*>(const_cast<void*>(lock))->unlock(); }

  held_lock held_;
};

}}}  // namespace zmm::detail
