// Whose a part is: under every interleaving one thread at a time holds it, sees what the last one did, and nothing that others
// send it is lost on the way.
#include <zmm/threads/part_state.hpp>
#include <zmm/threads/remote_list.hpp>

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

// Thread 0 begins as the holder. Everybody works in the part when it gets it, and lets go; the work is a plain count.
template <template <template <class> class> class State, size_t Threads> struct handed_over {
  State<stepping_atomic> state;
  size_t work = 0;
  std::array<size_t, Threads> done{};

  void run(size_t thread) {
    if (thread == 0) {
      work_in_it(thread);
      state.abandon();
    }
    for (int i = 0; i < 2; ++i)
      if (state.claim()) {
        work_in_it(thread);
        state.abandon();
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
    expect(state.claim(), "in the end the part is nobody's");
    expect(!state.claim() && state.is_held(), "and can be claimed once");
  }
};

TEST_CASE("part_state: under every interleaving one thread at a time holds the part") {
  passes(explore<handed_over<zmm::detail::part_state, 3>>(3));
}

// What it must not be: a claim by a load and a store.
template <template <class> class Atomic> class careless_state {
public:
  bool claim() {
    if (status_.load() != 1) return false;
    status_.store(0);
    return true;
  }
  void abandon() { status_.store(1); }
  bool is_held() const { return status_.load() == 0; }

private:
  Atomic<int> status_{0};
};

// Two that believe they hold it are both inside: told by a count that each raises and lowers.
template <template <template <class> class> class State> struct one_inside {
  State<stepping_atomic> state;
  stepping_atomic<int> inside{0};
  void run(size_t thread) {
    if (thread == 0) state.abandon();
    if (!state.claim()) return;
    expect(inside.fetch_add(1) == 0, "one is inside");
    inside.fetch_sub(1);
    state.abandon();
  }
  void check() {}
};

TEST_CASE("part_state: a claim by a load and a store is found to let two in") {
  CHECK(explore<one_inside<careless_state>>(3).failure == "one is inside");
  passes(explore<one_inside<zmm::detail::part_state>>(3));
}

// The way of a part: its thread ends (0), others send slots home at any time (1), a new thread and a collector both want it
// (2, 3). A slot that was sent is found by a holder or still there.
struct slot {
  slot* next = nullptr;
  int times = 0;
};
struct sent_home_meanwhile {
  zmm::detail::part_state<stepping_atomic> state;
  zmm::detail::remote_list<slot, stepping_atomic> remote;
  std::array<slot, 2> slots;

  void run(size_t thread) {
    switch (thread) {
    case 0:
      take();
      state.abandon();
      break;
    case 1:
      for (slot& s : slots) remote.push(&s, &s);
      break;
    default:
      if (!state.claim()) return;
      take();
      state.abandon();
    }
  }
  void take() {
    for (slot* s = remote.take_all(); s != nullptr;) {
      slot* const next = s->next;
      ++s->times;
      s->next = nullptr;
      s = next;
    }
  }
  void check() {
    take();
    for (slot const& s : slots) expect(s.times == 1, "a slot that was sent home is found once");
  }
};

TEST_CASE("part_state: under every interleaving what is sent to a part that changes hands is found once") {
  passes(explore<sent_home_meanwhile>(4));
}

TEST_CASE("part_state: a frozen part is never claimed") {
  zmm::detail::part_state<> state;
  CHECK(state.is_held());
  CHECK_FALSE(state.claim());
  state.freeze();
  CHECK(state.is_frozen());
  CHECK_FALSE(state.is_held());
  CHECK_FALSE(state.claim());
}

TEST_CASE("part_state: threads that claim and let go, for real") {
  zmm::detail::part_state<> state;
  size_t work = 0;
  std::atomic<size_t> done{0};
  state.abandon();
  in_threads(4, [&](size_t) {
    for (size_t i = 0; i < scaled(50'000); ++i) {
      if (!state.claim()) continue;
      ++work;
      ++done;
      state.abandon();
    }
  });
  CHECK(work == done);
  CHECK(done > 0);
}
}  // namespace
