// Full magazines of a bin, between the threads that fill them and those that empty them.
#pragma once

#include <zmm/base/compiler.hpp>

#include <zmm/base/atomic.hpp>
#include <cstddef>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A few places, each empty or with a magazine: a chain of free slots, given by its first. Any thread puts and takes
/// whole magazines, each with one exchange: no thread waits for another, and a thread that a fork() leaves behind has
/// taken a magazine or has not. What a place holds may change and change back (ABA) without harm: nothing is read
/// through it before it is taken.
///
/// `Atomic` is detail::atomic, or in tests one that enumerates interleavings.
template <class Slot, std::size_t Places, template <class> class Atomic = detail::atomic> class depot {
public:
  /// Effects: makes the magazine available to all threads. Returns: false, and nothing changed, if no place was found
  /// empty.
  bool put(Slot* magazine) noexcept {
    for (Atomic<Slot*>& place : places_) {
      if (place.load(detail::memory_order_relaxed) != nullptr) continue;
      Slot* expected = nullptr;
      // Release: the thread that takes the magazine sees its links, and everything done to the blocks before they were
      // freed.
      if (place.compare_exchange_strong(expected, magazine, detail::memory_order_release, detail::memory_order_relaxed))
        return true;
    }
    return false;
  }

  /// Returns: a magazine, which is the caller's; null if none was found.
  Slot* take() noexcept {
    for (Atomic<Slot*>& place : places_) {
      if (place.load(detail::memory_order_relaxed) == nullptr) continue;  // most are empty: a load spares the exchange
      if (Slot* const magazine = place.exchange(nullptr, detail::memory_order_acquire)) return magazine;
    }
    return nullptr;
  }

  /// Effects: forgets everything. Requires: no other thread is inside.
  void reset() noexcept {
    for (Atomic<Slot*>& place : places_) place.store(nullptr, detail::memory_order_relaxed);
  }

private:
  Atomic<Slot*> places_[Places] = {};
};

}}}  // namespace zmm::detail
