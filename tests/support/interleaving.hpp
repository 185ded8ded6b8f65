// Runs code with atomics under every interleaving of its threads.
//
// The code under test is a template over the atomic type. With stepping_atomic, each of its atomic operations is a step, and
// other threads may run between two steps. explore<State>(n) constructs a State, runs state.run(0) … state.run(n-1) as n
// threads in one schedule, calls state.check() when all have ended, and starts again with the next schedule, until there is
// none left. expect() states what must be true, in run() and in check().
//
// Sequentially consistent: a step sees all steps before it. ThreadSanitizer checks memory orders: the threads are threads for
// it, too, and in every schedule it sees only the orders that the code asks for.
//
// Steps commute if they access different atomics, or only read. Of the schedules that differ by swapping two such steps, one
// is run (sleep sets). This is right for code that passes its plain data on through its atomics. So a test must note what it
// sees for each thread, and compare in check(). exploration_options::reduce = false runs every schedule.
#pragma once
#include <zmm/base/atomic.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <ucontext.h>
#include <vector>

#if defined(__SANITIZE_THREAD__)
#define ZMM_TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ZMM_TEST_TSAN 1
#endif
#endif
#if defined(ZMM_TEST_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace zmm_test {

struct exploration_options {
  bool reduce = true;                 // leave out schedules that differ by steps that commute
  std::size_t schedules = 3'000'000;  // at most; if there are more, `complete` is false
  std::size_t steps = 2000;           // of one schedule; more is a failure, because it does not end
};

struct exploration {
  std::size_t schedules = 0;  // run and different
  std::size_t redundant = 0;  // run, and equal to an earlier one
  std::size_t steps = 0;      // the longest schedule
  bool complete = false;      // every schedule was run
  std::string failure;        // the first expectation that did not hold; empty: all held
  std::string schedule;       // the steps that led to it
};

namespace detail {

// Communication of the scheduler with the threads is not part of the code under test: it is hidden from ThreadSanitizer.
#if defined(ZMM_TEST_TSAN)
#define ZMM_TEST_UNSEEN [[gnu::noinline]] __attribute__((no_sanitize("thread")))
inline void* new_fiber() { return __tsan_create_fiber(0); }
inline void* this_fiber() { return __tsan_get_current_fiber(); }
inline void end_fiber(void* fiber) { __tsan_destroy_fiber(fiber); }
inline void announce_switch(void* fiber, bool ordered) {
  __tsan_switch_to_fiber(fiber, ordered ? 0 : __tsan_switch_to_fiber_no_sync);
}
#else
#define ZMM_TEST_UNSEEN
inline void* new_fiber() { return nullptr; }
inline void* this_fiber() { return nullptr; }
inline void end_fiber(void*) {}
inline void announce_switch(void*, bool) {}
#endif

class scheduler {
public:
  using body = std::function<void(std::size_t)>;

  scheduler(std::size_t threads, exploration_options options)
      : options_(options), threads_(threads), home_fiber_(this_fiber()) {
    for (thread& t : threads_) prepare(t);
    current() = this;
  }
  ~scheduler() {
    for (thread& t : threads_) end_fiber(t.fiber);
    current() = nullptr;
  }
  scheduler(scheduler const&) = delete;
  scheduler& operator=(scheduler const&) = delete;

  static scheduler*& current() {
    static thread_local scheduler* running = nullptr;
    return running;
  }

  // Runs one schedule to its end.
  ZMM_TEST_UNSEEN void run(body const& work) {
    work_ = &work;
    trace_.clear();
    taken_ = 0;
    unsigned sleeping = 0, enabled = 0;
    bool pruned = false;
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      threads_[i].done = false;
      resume(i, true);
      if (!threads_[i].done) enabled |= 1u << i;
    }
    for (std::size_t depth = 0; enabled != 0; ++depth) {
      if (depth >= options_.steps) give_up(depth);
      std::size_t chosen = lowest(enabled);
      if (depth > options_.steps) {
        chosen = nth(enabled, depth);  // in turn, so that each thread gets what it waits for
      } else if (!pruned) {
        if (depth == path_.size()) {
          if ((enabled & ~sleeping) == 0) pruned = true;  // all that follows was seen in another order
          else path_.push_back({lowest(enabled & ~sleeping), enabled, sleeping});
        }
        if (!pruned) {
          chosen = path_[depth].chosen;
          sleeping = path_[depth].passed & ~dependent_on(chosen, enabled);
        }
      }
      note(chosen);
      resume(chosen, false);
      if (threads_[chosen].done) enabled &= ~(1u << chosen);
      result.steps = std::max(result.steps, depth + 1);
    }
    work_ = nullptr;
    ++(pruned ? result.redundant : result.schedules);
  }

  // Prepares the next schedule. Returns: false if there is none.
  bool advance() {
    if (failure_ != nullptr) {
      result.failure = failure_;
      result.schedule = told();
      return false;
    }
    while (!path_.empty()) {
      decision& last = path_.back();
      last.passed |= 1u << last.chosen;
      if (unsigned const left = last.enabled & ~last.passed; left != 0) {
        last.chosen = lowest(left);
        return result.schedules + result.redundant < options_.schedules;
      }
      path_.pop_back();
    }
    result.complete = true;
    return false;
  }

  // Called by a thread before each of its atomic operations.
  ZMM_TEST_UNSEEN void step(char const* what, void const* place, bool writes) {
    if (work_ == nullptr || running_ == nullptr) return;  // the State is being built or checked
    thread& self = *running_;
    self.what = what;
    self.place = place;
    self.writes = writes;
    announce_switch(home_fiber_, false);
    ::swapcontext(&self.context, &home_);
  }

  // Called by threads: does as little as possible.
  ZMM_TEST_UNSEEN void failed(char const* what) {
    if (failure_ != nullptr) return;
    failure_ = what;
    failed_after_ = taken_;
  }

  exploration result;

private:
  static constexpr std::size_t stack_bytes = 256 * 1024;

  struct thread {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    void* fiber = nullptr;
    char const* what = "";
    void const* place = nullptr;
    bool writes = false, done = true;
  };
  struct taken_step {
    std::size_t thread;
    char const* what;
    void const* place;
  };
  // One choice of the next thread. `passed`: asleep, or already tried.
  struct decision {
    std::size_t chosen;
    unsigned enabled, passed;
  };

  [[gnu::noinline]] static void prepare(thread& t) {
    t.stack.reset(new char[stack_bytes]);
    t.fiber = new_fiber();
    ::getcontext(&t.context);
    t.context.uc_stack.ss_sp = t.stack.get();
    t.context.uc_stack.ss_size = stack_bytes;
    t.context.uc_link = nullptr;
    ::makecontext(&t.context, &scheduler::live, 0);
  }

  ZMM_TEST_UNSEEN void resume(std::size_t i, bool begins) {
    running_ = &threads_[i];
    announce_switch(running_->fiber, begins);  // the threads see all that was done before the schedule
    ::swapcontext(&home_, &running_->context);
    running_ = nullptr;
  }

  // A thread stays for all schedules: one run() after the other.
  ZMM_TEST_UNSEEN static void live() {
    for (;;) {
      scheduler& self = *current();
      thread& me = *self.running_;
      (*self.work_)(static_cast<std::size_t>(&me - self.threads_.data()));
      me.done = true;
      announce_switch(self.home_fiber_, true);  // and check() sees what the threads did
      ::swapcontext(&me.context, &self.home_);
    }
  }

  ZMM_TEST_UNSEEN unsigned dependent_on(std::size_t chosen, unsigned enabled) const {
    if (!options_.reduce) return ~0u;
    unsigned result_mask = 1u << chosen;
    thread const& one = threads_[chosen];
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      thread const& other = threads_[i];
      if ((enabled >> i & 1u) != 0 && other.place == one.place && (other.writes || one.writes)) result_mask |= 1u << i;
    }
    return result_mask;
  }

  ZMM_TEST_UNSEEN void note(std::size_t i) {
    trace_.push_back({i, threads_[i].what, threads_[i].place});
    ++taken_;
  }

  // The schedule so far, one line for each step; atomics are numbered in order of appearance.
  ZMM_TEST_UNSEEN std::string told() const {
    std::string text;
    std::vector<void const*> places;
    for (std::size_t i = 0; i < failed_after_; ++i) {
      taken_step const& s = trace_[i];
      auto const known = std::find(places.begin(), places.end(), s.place);
      std::size_t const number = static_cast<std::size_t>(known - places.begin());
      if (known == places.end()) places.push_back(s.place);
      text += "  thread " + std::to_string(s.thread) + ": " + s.what + " of atomic " + std::to_string(number) + "\n";
    }
    return text;
  }

  void give_up(std::size_t depth) {
    failed("the threads do not come to an end");
    if (depth < 1000 * options_.steps) return;
    std::fputs(("interleaving: stuck\n" + told().substr(0, 4000)).c_str(), stderr);
    std::abort();
  }

  static std::size_t lowest(unsigned mask) { return static_cast<std::size_t>(__builtin_ctz(mask)); }
  static std::size_t nth(unsigned mask, std::size_t n) {
    for (n %= static_cast<std::size_t>(__builtin_popcount(mask)); n > 0; --n) mask &= mask - 1;
    return lowest(mask);
  }

  exploration_options options_;
  std::vector<thread> threads_;
  std::vector<decision> path_;
  std::vector<taken_step> trace_;
  char const* failure_ = nullptr;
  std::size_t taken_ = 0, failed_after_ = 0;
  body const* work_ = nullptr;
  thread* running_ = nullptr;
  ucontext_t home_;
  void* home_fiber_;
};

inline void step(char const* what, void const* place, bool writes) {
  if (scheduler* const running = scheduler::current()) running->step(what, place, writes);
}

}  // namespace detail

// States what must be true in this schedule; the first failure ends the exploration.
inline void expect(bool holds, char const* what) {
  if (!holds && detail::scheduler::current() != nullptr) detail::scheduler::current()->failed(what);
}

// std::atomic's operations, each a step. A weak exchange fails only if a strong one would.
template <class T> class stepping_atomic {
public:
  constexpr stepping_atomic() noexcept = default;
  constexpr stepping_atomic(T value) noexcept : value_(value) {}
  stepping_atomic(stepping_atomic const&) = delete;
  stepping_atomic& operator=(stepping_atomic const&) = delete;

  static constexpr bool is_always_lock_free = true;

  T load(zmm::detail::memory_order order = zmm::detail::memory_order_seq_cst) const noexcept {
    detail::step("load", this, false);
    return value_.load(order);
  }
  void store(T value, zmm::detail::memory_order order = zmm::detail::memory_order_seq_cst) noexcept {
    detail::step("store", this, true);
    value_.store(value, order);
  }
  T exchange(T value, zmm::detail::memory_order order = zmm::detail::memory_order_seq_cst) noexcept {
    detail::step("exchange", this, true);
    return value_.exchange(value, order);
  }
  bool compare_exchange_strong(T& expected, T wanted, zmm::detail::memory_order order = zmm::detail::memory_order_seq_cst) noexcept {
    detail::step("compare_exchange", this, true);
    return value_.compare_exchange_strong(expected, wanted, order);
  }
  bool compare_exchange_strong(T& expected, T wanted, zmm::detail::memory_order done, zmm::detail::memory_order failed) noexcept {
    detail::step("compare_exchange", this, true);
    return value_.compare_exchange_strong(expected, wanted, done, failed);
  }
  bool compare_exchange_weak(T& expected, T wanted, zmm::detail::memory_order order = zmm::detail::memory_order_seq_cst) noexcept {
    return compare_exchange_strong(expected, wanted, order);
  }
  bool compare_exchange_weak(T& expected, T wanted, zmm::detail::memory_order done, zmm::detail::memory_order failed) noexcept {
    return compare_exchange_strong(expected, wanted, done, failed);
  }
  T fetch_add(T value, zmm::detail::memory_order order = zmm::detail::memory_order_seq_cst) noexcept {
    detail::step("fetch_add", this, true);
    return value_.fetch_add(value, order);
  }
  T fetch_sub(T value, zmm::detail::memory_order order = zmm::detail::memory_order_seq_cst) noexcept {
    detail::step("fetch_sub", this, true);
    return value_.fetch_sub(value, order);
  }
  T fetch_and(T value, zmm::detail::memory_order order = zmm::detail::memory_order_seq_cst) noexcept {
    detail::step("fetch_and", this, true);
    return value_.fetch_and(value, order);
  }

private:
  zmm::detail::atomic<T> value_{};
};

// Runs State under every schedule of `threads` threads, or up to the first that fails an expectation.
template <class State> exploration explore(std::size_t threads, exploration_options options = {}) {
  detail::scheduler scheduler(threads, options);
  do {
    State state;
    scheduler.run([&state](std::size_t thread) { state.run(thread); });
    state.check();
  } while (scheduler.advance());
  return scheduler.result;
}

}  // namespace zmm_test
