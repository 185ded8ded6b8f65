// Whose a cache is: under every interleaving one thread at a time holds it, and sees what the last one did.
#include <zmm/threads/claim.hpp>

#include "../support/interleaving.hpp"
#include "../support/scale.hpp"
#include "../support/threads.hpp"
#include <array>
#include <doctest/doctest.h>

namespace {
using namespace zmm_test;
using std::size_t;

void passes(exploration const& all) {
  CHECK(all.failure == "");
  CHECK(all.complete);
  if (!all.failure.empty()) MESSAGE(all.schedule);
  MESSAGE("schedules: " << all.schedules << ", redundant " << all.redundant << ", longest " << all.steps << " steps");
}

// Thread 0 begins as the holder. Everybody works when it gets it, and lets go; the work is a plain count.
template <template <template <class> class> class State, size_t Threads> struct handed_over {
  State<stepping_atomic> state;
  size_t work = 0;
  std::array<size_t, Threads> done{};

  void run(size_t thread) {
    if (thread == 0) {
      work_in_it(thread);
      state.give();
    }
    for (int i = 0; i < 2; ++i)
      if (state.take()) {
        work_in_it(thread);
        state.give();
      }
  }
  void work_in_it(size_t thread) {
    ++work;
    ++done[thread];
  }
  void check() {
    size_t sum = 0;
    for (size_t const d : done) sum += d;
    expect(work == sum, "nobody's work is lost");
    expect(state.take(), "in the end it is nobody's");
    expect(!state.take() && state.is_held(), "and can be claimed once");
  }
};

TEST_CASE("claim: under every interleaving one thread at a time holds it") {
  passes(explore<handed_over<zmm::detail::claim, 3>>(3));
}

// What it must not be: a claim by a load and a store.
template <template <class> class Atomic> class careless_state {
public:
  bool take() {
    if (status_.load() != 1) return false;
    status_.store(0);
    return true;
  }
  void give() { status_.store(1); }
  bool is_held() const { return status_.load() == 0; }

private:
  Atomic<int> status_{0};
};

// Two that believe they hold it are both inside: told by a count that each raises and lowers.
template <template <template <class> class> class State> struct one_inside {
  State<stepping_atomic> state;
  stepping_atomic<int> inside{0};
  void run(size_t thread) {
    if (thread == 0) state.give();
    if (!state.take()) return;
    expect(inside.fetch_add(1) == 0, "one is inside");
    inside.fetch_sub(1);
    state.give();
  }
  void check() {}
};

TEST_CASE("claim: a claim by a load and a store is found to let two in") {
  CHECK(explore<one_inside<careless_state>>(3).failure == "one is inside");
  passes(explore<one_inside<zmm::detail::claim>>(3));
}

TEST_CASE("claim: threads that claim and let go, for real") {
  zmm::detail::claim<> state;
  size_t work = 0;
  std::atomic<size_t> done{0};
  state.give();
  in_threads(4, [&](size_t) {
    for (size_t i = 0; i < scaled(50'000); ++i) {
      if (!state.take()) continue;
      ++work;
      ++done;
      state.give();
    }
  });
  CHECK(work == done);
  CHECK(done > 0);
}
}  // namespace
