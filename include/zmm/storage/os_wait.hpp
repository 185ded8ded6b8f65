// How threads wait for each other: on a word that another thread changes.
#pragma once

#include <zmm/base/system.hpp>

#include <zmm/base/atomic.hpp>
#include <cstdint>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Keeps errno: waiting or a refusal by the system is not the program's error.
class last_error_guard {
public:
  last_error_guard() noexcept : saved_(host::last_error()) {}
  ~last_error_guard() { host::set_last_error(saved_); }
  last_error_guard(last_error_guard const&) = delete;
  last_error_guard& operator=(last_error_guard const&) = delete;

private:
  host::error saved_;
};

/// Effects: if `word` still is `seen`, sleeps until os_wake() of that word. May also wake up without.
/// Returns: false if `milliseconds` have passed; 0: no limit.
ZMM_COLD inline bool os_wait(detail::atomic<std::uint32_t>& word, std::uint32_t seen, long milliseconds = 0) noexcept {
  last_error_guard const keep;
  return host::wait(&word, seen, milliseconds);
}
/// Effects: wakes one of the threads that wait on `word`, or all. Does not read the word: its memory may be gone.
ZMM_COLD inline void os_wake(detail::atomic<std::uint32_t>& word, bool all) noexcept {
  last_error_guard const keep;
  host::wake(&word, all);
}
inline void os_wake_one(detail::atomic<std::uint32_t>& word) noexcept { os_wake(word, false); }
inline void os_wake_all(detail::atomic<std::uint32_t>& word) noexcept { os_wake(word, true); }
/// Effects: sleeps for a moment, so that the thread that is waited for gets to run, whatever its priority.
/// Not one of the C library's sleeps: those are cancellation points.
ZMM_COLD inline void os_nap() noexcept {
  detail::atomic<std::uint32_t> nobody_changes_it{0};
  os_wait(nobody_changes_it, 0, 1);
}

}}}  // namespace zmm::detail
