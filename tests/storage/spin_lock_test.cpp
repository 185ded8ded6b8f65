// The lock: one holder at a time, what the holder wrote is seen by the next, waiters get their turn.
#include <zmm/storage/spin_lock.hpp>

#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

namespace {
using std::size_t;
using zmm::detail::spin_guard;
using zmm::detail::spin_lock;

spin_lock constant_initialised;

static_assert(sizeof(spin_lock) == 1);
static_assert(!std::is_copy_constructible_v<spin_lock> && !std::is_copy_constructible_v<spin_guard>);

TEST_CASE("spin_lock: one thread at a time is inside") {
  spin_lock lock;
  std::atomic<int> inside{0};
  std::atomic<size_t> met{0};
  size_t count = 0;  // written by the holder only
  std::atomic<int> started{0};
  size_t const rounds = zmm_test::scaled(2000);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      ++started;
      while (started != 4) std::this_thread::yield();
      for (size_t i = 0; i < rounds; ++i) {
        spin_guard const guard(lock);
        if (inside.fetch_add(1, std::memory_order_relaxed) != 0) ++met;
        size_t const seen = count;
        if ((i + t) % 8 == 0) std::this_thread::yield();  // a holder that is descheduled
        count = seen + 1;
        inside.fetch_sub(1, std::memory_order_relaxed);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(met == 0);
  CHECK(count == 4 * rounds);
}

TEST_CASE("spin_lock: a waiter waits as long as it takes and then gets its turn") {
  std::atomic<bool> asked{false}, served{false};
  std::thread waiter;
  {
    std::lock_guard<spin_lock> const guard(constant_initialised);  // meets BasicLockable
    waiter = std::thread([&] {
      asked = true;
      std::lock_guard<spin_lock> const mine(constant_initialised);
      served = true;
    });
    while (!asked) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK_FALSE(served);
  }
  waiter.join();
  CHECK(served);
}

TEST_CASE("spin_lock: a guard lets go when its scope is left in any way") {
  spin_lock lock;
  for (int i = 0; i < 3; ++i) spin_guard const guard(lock);
  CHECK_THROWS_AS(
      [&] {
        spin_guard const guard(lock);
        throw std::runtime_error("left");
      }(),
      std::runtime_error);
  std::thread other([&] { spin_guard const guard(lock); });
  other.join();  // comes to its end: nobody holds the lock
}
}  // namespace
