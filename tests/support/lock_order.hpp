// Tests check the order of locks: a thread that asks for a lock out of order ends the program, before it could hang.
#pragma once
#include "lock_rule.hpp"
#include <cstdio>
#include <cstdlib>

namespace zmm_test {
inline void check_lock_order(held_lock const* held, void const* lock, lock_rank rank) noexcept {
  if (is_in_order(held, lock, rank)) return;
  std::fprintf(stderr, "a lock of rank %d is taken inside", static_cast<int>(rank));
  for (; held != nullptr; held = held->outer)
    std::fprintf(stderr, " %u%s", held->rank, held->lock == lock ? "(it)" : "");
  std::fprintf(stderr, "\n");
  std::abort();
}

struct lock_order_checker {
  lock_order_checker() noexcept { zmm::detail::current_lock_observer.store(&check_lock_order); }
};
inline lock_order_checker const checks_lock_order;

}  // namespace zmm_test
