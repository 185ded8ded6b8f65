// The lock: one holder at a time, what the holder wrote is seen by the next, waiters sleep and get their turn, a thread that
// forks passes; and the order of locks.
#include <zmm/storage/mutex.hpp>

#include "../support/lock_rule.hpp"
#include "../support/scale.hpp"
#include <atomic>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <doctest/doctest.h>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

namespace {
using std::size_t;
using zmm::detail::held_lock;
using zmm::detail::lock_rank;
using zmm::detail::mutex;
using zmm::detail::mutex_guard;
using zmm_test::is_in_order;

mutex constant_initialised{lock_rank::keys};

static_assert(sizeof(mutex) == 8);
static_assert(!std::is_copy_constructible_v<mutex> && !std::is_copy_constructible_v<mutex_guard>);

TEST_CASE("mutex: one thread at a time is inside") {
  mutex lock{lock_rank::keys};
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
        mutex_guard const guard(lock);
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

// Of the calling thread.
std::chrono::nanoseconds processor_time() {
  std::timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

TEST_CASE("mutex: waiters sleep as long as it takes, and then each gets its turn") {
  std::atomic<int> asked{0}, served{0};
  std::atomic<long> most_used{0};  // nanoseconds of processor time, of a waiter
  std::vector<std::thread> waiters;
  {
    std::lock_guard<mutex> const guard(constant_initialised);  // meets BasicLockable
    for (int i = 0; i < 3; ++i)
      waiters.emplace_back([&] {
        auto const before = processor_time();
        ++asked;
        errno = 77;
        std::lock_guard<mutex> const mine(constant_initialised);
        CHECK(errno == 77);
        ++served;
        long const used = (processor_time() - before).count();
        if (used > most_used) most_used = used;
      });
    while (asked != 3) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    CHECK(served == 0);
  }
  for (std::thread& t : waiters) t.join();
  CHECK(served == 3);
  CHECK(most_used < 100'000'000);  // of 300 ms that spinning would have taken
}

TEST_CASE("mutex: a guard lets go when its scope is left in any way, and notes who holds what") {
  mutex lock{lock_rank::keys};
  CHECK_THROWS_AS(
      [&] {
        mutex_guard const guard(lock);
        CHECK(zmm::detail::is_held_here(&lock));
        throw std::runtime_error("left");
      }(),
      std::runtime_error);
  CHECK_FALSE(zmm::detail::is_held_here(&lock));
  for (int i = 0; i < 3; ++i) mutex_guard const guard(lock);
  std::thread([&] { mutex_guard const guard(lock); }).join();  // comes to its end: nobody holds the lock
}

TEST_CASE("mutex: locks are let go of in any order") {
  mutex first{lock_rank::pool}, second{lock_rank::keys};
  held_lock outer{&first, nullptr, 0}, inner{&second, nullptr, 0};
  zmm::detail::note_held(outer);
  zmm::detail::note_held(inner);
  zmm::detail::note_let_go(outer);
  CHECK(zmm::detail::is_held_here(&second));
  CHECK_FALSE(zmm::detail::is_held_here(&first));
  zmm::detail::note_let_go(inner);
  CHECK(zmm::detail::held_locks == nullptr);
}

TEST_CASE("mutex: held for a fork, it lets the thread that forks pass, and nobody else") {
  mutex lock{lock_rank::keys};
  std::atomic<bool> passed{false};
  lock.hold();
  CHECK_FALSE(lock.try_lock());
  CHECK_FALSE(lock.hold_soon());
  zmm::detail::forking_thread.store(zmm::detail::host::this_thread());
  {
    mutex_guard const guard(lock);
    CHECK(lock.try_lock());
    lock.unlock();
  }
  std::thread other([&] {
    mutex_guard const guard(lock);
    passed = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK_FALSE(passed);  // what passed let go of nothing
  zmm::detail::forking_thread.store(zmm::detail::host::thread{});
  lock.let_go();
  other.join();
  CHECK(passed);
  CHECK(lock.hold_soon());
  lock.let_go();
}

TEST_CASE("mutex: a thread that forks comes before the holder's next turn, and before all others") {
  mutex lock{lock_rank::keys};
  int first = 0;
  for (int round = 0; round < 50 && first == 0; ++round) {
    std::atomic<bool> asked{false}, had{false};
    lock.lock();
    std::thread waiter([&] { mutex_guard const guard(lock); });
    std::thread forker([&] {
      asked = true;
      lock.hold();
      had = true;
      lock.let_go();
    });
    while (!asked) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    lock.unlock();
    lock.lock();
    if (had) ++first;
    lock.unlock();
    forker.join();
    waiter.join();  // comes to its end: nobody is forgotten
  }
  CHECK(first != 0);
}

TEST_CASE("mutex: the order of locks") {
  int first = 0, second = 0, third = 0;
  auto const of = [](void const* lock, lock_rank rank, held_lock* outer) {
    return held_lock{lock, nullptr, static_cast<unsigned>(rank), outer};
  };
  held_lock keys = of(&first, lock_rank::keys, nullptr);
  CHECK(is_in_order(nullptr, &second, lock_rank::watch));
  CHECK(is_in_order(&keys, &second, lock_rank::forks));
  CHECK_FALSE(is_in_order(&keys, &second, lock_rank::keys));
  CHECK_FALSE(is_in_order(&keys, &second, lock_rank::source));

  held_lock source = of(&second, lock_rank::source, nullptr);
  CHECK(is_in_order(&source, &third, lock_rank::source));  // its storage uses another heap
  CHECK(is_in_order(&source, &third, lock_rank::watch));
  CHECK_FALSE(is_in_order(&source, &second, lock_rank::source));  // and never this one
  held_lock members = of(&first, lock_rank::members, &source);
  CHECK_FALSE(is_in_order(&members, &third, lock_rank::source));
  CHECK_FALSE(is_in_order(&members, &second, lock_rank::forks));
}
}  // namespace
