// The enumerator of interleavings: it runs every schedule, and finds faults that occur in few of them.
#include "interleaving.hpp"
#include <array>
#include <doctest/doctest.h>

namespace {
using namespace zmm_test;
using std::size_t;

constexpr exploration_options every_schedule{false};

// N threads of three steps each, on their own atomics, or on one for all.
template <bool Shared> struct counters {
  std::array<stepping_atomic<int>, 3> count{};
  void run(size_t thread) {
    for (int i = 0; i < 3; ++i) count[Shared ? 0 : thread].fetch_add(1);
  }
  void check() {
    int sum = 0;
    for (auto& c : count) sum += c.load();
    expect(sum % 3 == 0, "a count was lost");
  }
};

TEST_CASE("interleaving: every schedule is run, once") {
  exploration const two = explore<counters<true>>(2, every_schedule);
  CHECK(two.schedules == 20);  // 6! / 3!²
  CHECK(two.complete);
  CHECK(two.redundant == 0);
  CHECK(two.steps == 6);
  CHECK(explore<counters<true>>(3, every_schedule).schedules == 1680);  // 9! / 3!³
  CHECK(explore<counters<true>>(1, every_schedule).schedules == 1);
}

TEST_CASE("interleaving: steps that commute are run in one order, others in all") {
  CHECK(explore<counters<false>>(3, every_schedule).schedules == 1680);
  CHECK(explore<counters<false>>(3).schedules == 1);
  CHECK(explore<counters<true>>(3).schedules == 1680);
}

struct lost_update {
  stepping_atomic<int> count{0};
  void run(size_t) { count.store(count.load() + 1); }
  void check() { expect(count.load() == 2, "an update was lost"); }
};

TEST_CASE("interleaving: an update that is lost in some schedules is found and its schedule told") {
  for (bool const reduce : {false, true}) {
    exploration_options options;
    options.reduce = reduce;
    exploration const found = explore<lost_update>(2, options);
    CHECK(found.failure == "an update was lost");
    CHECK(found.schedule.find("thread 1: store of atomic 0") != std::string::npos);
    CHECK_FALSE(found.complete);
  }
}

// A stack whose pop reads a link and then exchanges the head: another thread may have popped twice and pushed once between.
struct stack_with_reuse {
  // The links are atomic, but their accesses are no steps: reading one while another thread writes it is not the fault here.
  struct node {
    std::atomic<int> next;
  };
  std::array<node, 3> nodes{{{1}, {2}, {-1}}};
  stepping_atomic<int> head{0};
  std::array<int, 2> taken{{-1, -1}};

  int pop() {
    int first = head.load();
    while (first >= 0 && !head.compare_exchange_weak(first, nodes[static_cast<size_t>(first)].next)) {}
    return first;
  }
  void push(int back) {
    int first = head.load();
    do nodes[static_cast<size_t>(back)].next = first;
    while (!head.compare_exchange_weak(first, back));
  }
  void run(size_t thread) {
    if (thread == 0) {
      taken[0] = pop();
      return;
    }
    int const first = pop();
    taken[1] = pop();
    if (first >= 0) push(first);
  }
  void check() {
    for (int left = pop(); left >= 0; left = pop())
      for (int const t : taken) expect(left != t, "a node is both taken and in the stack");
  }
};

TEST_CASE("interleaving: a stack that mistakes a node put back for one never gone is found out") {
  CHECK_FALSE(explore<stack_with_reuse>(2).failure.empty());
}

struct waits_for_ever {
  stepping_atomic<int> go{0};
  void run(size_t thread) {
    while (thread == 0 && go.load() == 0 && ++turns < 100'000) {}
    if (thread == 1) go.store(1);
  }
  void check() {}
  int turns = 0;
};

TEST_CASE("interleaving: threads that do not end are told") {
  CHECK(explore<waits_for_ever>(2).failure == "the threads do not come to an end");
}

TEST_CASE("interleaving: the number of schedules is bounded, and it is told that not all were run") {
  exploration_options few;
  few.schedules = 100;
  exploration const part = explore<counters<true>>(3, few);
  CHECK(part.schedules == 100);
  CHECK_FALSE(part.complete);
}
}  // namespace
