// In which order a thread may take locks: zmm/storage/mutex.hpp says why.
#pragma once
#include <zmm/storage/mutex.hpp>

namespace zmm_test {
using zmm::detail::held_lock;
using zmm::detail::lock_rank;

/// Whether a thread that holds `held` may wait for this lock.
inline bool is_in_order(held_lock const* held, void const* lock, lock_rank rank) noexcept {
  bool is_lower = true, storage_works = false;
  for (; held != nullptr; held = held->outer) {
    if (held->lock == lock) return false;
    auto const of_held = static_cast<lock_rank>(held->rank);
    storage_works = storage_works || (of_held >= lock_rank::pool && of_held <= lock_rank::source);
    if (!storage_works && of_held >= rank) is_lower = false;
  }
  return is_lower;
}

}  // namespace zmm_test
