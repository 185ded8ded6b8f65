// Which locks of zmm a thread holds.
#pragma once

#include <zmm/base/compiler.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A lock that a thread holds. Lies on the holder's stack, or beside the lock.
struct held_lock {
  void const* lock;
  void (*let_go)(void const* lock) noexcept;  ///< releases it
  unsigned rank;                              ///< its place in the order of locks (storage/mutex.hpp)
  held_lock* outer = nullptr;
};

/// The locks of this thread, the last one taken first. Its address stands for the thread.
ZMM_THREAD_LOCAL held_lock* held_locks = nullptr;

inline void note_held(held_lock& taken) noexcept {
  taken.outer = held_locks;
  held_locks = &taken;
}
/// Requires: it was noted, and not released since.
inline void note_let_go(held_lock& taken) noexcept {
  held_lock** link = &held_locks;
  while (*link != &taken) link = &(*link)->outer;
  *link = taken.outer;
}
inline bool is_held_here(void const* lock) noexcept {
  for (held_lock const* h = held_locks; h != nullptr; h = h->outer) {
    if (h->lock == lock) return true;
  }
  return false;
}

/// Effects: releases all locks of this thread. For a thread that will not return to the code that took them.
inline void let_go_of_all_locks() noexcept {
  while (held_lock* const innermost = held_locks) {
    held_locks = innermost->outer;
    innermost->let_go(innermost->lock);
  }
}

}}}  // namespace zmm::detail
