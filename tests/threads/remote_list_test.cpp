// The list of what others freed, under every interleaving of pushers and owner, and under real threads.
#include <zmm/threads/remote_list.hpp>

#include "../support/interleaving.hpp"
#include "../support/scale.hpp"
#include "../support/threads.hpp"
#include <array>
#include <doctest/doctest.h>
#include <vector>

namespace {
using namespace zmm_test;
using std::size_t;

struct slot {
  slot* next = nullptr;
  int times = 0;  // how often it was found
};

// Each pusher pushes a chain of two and a chain of one; the owner takes three times.
template <template <class, template <class> class> class List, size_t Pushers> struct pushes_and_takes {
  static constexpr int takes = 3;
  List<slot, stepping_atomic> list;
  std::array<slot, 3 * Pushers> slots;
  std::array<slot*, takes> taken{};

  void run(size_t thread) {
    if (thread == Pushers) {  // the owner
      for (slot*& chain : taken) {
        chain = list.take_all();
        for (slot* s = chain; s != nullptr; s = s->next) ++s->times;  // sees what the pusher linked
      }
      return;
    }
    slot* const mine = &slots[3 * thread];
    mine[0].next = &mine[1];
    list.push(&mine[0], &mine[1]);
    list.push(&mine[2], &mine[2]);
  }
  void check() {
    for (slot* s = list.take_all(); s != nullptr; s = s->next) ++s->times;
    for (slot const& s : slots) expect(s.times == 1, "each slot is found once");
    for (size_t p = 0; p < Pushers; ++p) expect(slots[3 * p].next == &slots[3 * p + 1], "a chain stays together");
  }
};

TEST_CASE("remote_list: under every interleaving of two pushers and the owner each slot comes home once") {
  exploration const all = explore<pushes_and_takes<zmm::detail::remote_list, 2>>(3);
  CHECK(all.failure == "");
  CHECK(all.complete);
  MESSAGE("schedules: " << all.schedules << ", redundant " << all.redundant << ", longest " << all.steps << " steps");
  if (!all.failure.empty()) MESSAGE(all.schedule);
  CHECK(all.schedules > 1000);
}

// What such a list must not be: one that takes by a load and a store.
template <class Slot, template <class> class Atomic> class careless_list {
public:
  void push(Slot* first, Slot* last) {
    Slot* head = head_.load();
    do last->next = head;
    while (!head_.compare_exchange_weak(head, first));
  }
  Slot* take_all() {
    Slot* const head = head_.load();
    head_.store(nullptr);
    return head;
  }

private:
  Atomic<Slot*> head_{nullptr};
};

TEST_CASE("remote_list: a list that takes by a load and a store is found to lose slots") {
  CHECK(explore<pushes_and_takes<careless_list, 1>>(2).failure == "each slot is found once");
}

// A slot goes round: the owner takes it and gives it out again, another thread frees it again, while a third pushes. The head
// is the same slot before and after, with another list behind it.
struct goes_round {
  zmm::detail::remote_list<slot, stepping_atomic> list;
  std::array<slot, 3> slots;
  stepping_atomic<slot*> given{nullptr};

  goes_round() {
    slots[1].next = &slots[2];
    list.push(&slots[0], &slots[0]);
  }
  void run(size_t thread) {
    switch (thread) {
    case 0:  // the owner: what it takes first it gives out, the rest it keeps
      for (int i = 0; i < 2; ++i) {
        slot* chain = list.take_all();
        if (chain == nullptr) continue;
        slot* const first = chain;
        for (chain = chain->next; chain != nullptr; chain = chain->next) ++chain->times;
        first->next = nullptr;
        if (i == 0) given.store(first, std::memory_order_release);
        else ++first->times;
      }
      break;
    case 1:  // frees what it was given
      if (slot* const mine = given.exchange(nullptr, std::memory_order_acq_rel)) list.push(mine, mine);
      break;
    default: list.push(&slots[1], &slots[2]);
    }
  }
  void check() {
    if (slot* const kept = given.load()) ++kept->times;
    for (slot* s = list.take_all(); s != nullptr; s = s->next) ++s->times;
    for (slot const& s : slots) expect(s.times == 1, "each slot is found once");
  }
};

TEST_CASE("remote_list: under every interleaving a slot that comes round again does no harm") {
  exploration const all = explore<goes_round>(3);
  CHECK(all.failure == "");
  CHECK(all.complete);
  if (!all.failure.empty()) MESSAGE(all.schedule);
  MESSAGE("schedules: " << all.schedules << ", redundant " << all.redundant << ", longest " << all.steps << " steps");
}

// The owner looks without taking while others push: what it saw stays where it is.
struct looked_at {
  zmm::detail::remote_list<slot, stepping_atomic> list;
  std::array<slot, 4> slots;
  size_t seen = 0, later = 0;

  void run(size_t thread) {
    if (thread == 0) {
      for (slot const* s = list.peek(); s != nullptr; s = s->next) ++seen;
      for (slot const* s = list.peek(); s != nullptr; s = s->next) ++later;
      return;
    }
    for (size_t i = 2 * (thread - 1); i < 2 * thread; ++i) list.push(&slots[i], &slots[i]);
  }
  void check() {
    expect(seen <= later && later <= 4, "what was seen stays");
    size_t all = 0;
    for (slot const* s = list.peek(); s != nullptr; s = s->next) ++all;
    expect(all == 4, "looking takes nothing");
    list.reset();
    expect(list.take_all() == nullptr, "a list that was reset is empty");
  }
};

TEST_CASE("remote_list: under every interleaving the owner may look while others push") {
  exploration const all = explore<looked_at>(3);
  CHECK(all.failure == "");
  CHECK(all.complete);
}

TEST_CASE("remote_list: threads that push and an owner that takes, for real") {
  constexpr size_t pushers = 3;
  size_t const each = scaled(60'000);
  zmm::detail::remote_list<slot> list;
  std::vector<slot> slots(pushers * each);
  std::atomic<size_t> pushing{pushers};
  size_t wrong = 0;
  in_threads(pushers + 1, [&](size_t thread) {
    if (thread < pushers) {
      slot* const mine = &slots[thread * each];
      for (size_t i = 0; i < each;) {
        size_t const last = i + i % 5 < each ? i + i % 5 : each - 1;
        for (size_t k = i; k < last; ++k) mine[k].next = &mine[k + 1];
        list.push(&mine[i], &mine[last]);
        i = last + 1;
      }
      --pushing;
      return;
    }
    for (bool last = false; !last;) {
      last = pushing == 0;
      for (slot* s = list.take_all(); s != nullptr;) {
        slot* const next = s->next;
        if (++s->times != 1) ++wrong;
        s->next = nullptr;
        s = next;
      }
    }
  });
  for (slot const& s : slots) wrong += s.times != 1;
  CHECK(wrong == 0);
}
}  // namespace
