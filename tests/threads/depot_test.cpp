// Magazines between threads: under every interleaving each that was put is taken once, and whoever takes it sees what is in it.
#include <zmm/threads/depot.hpp>

#include "../support/interleaving.hpp"
#include "../support/scale.hpp"
#include "../support/threads.hpp"
#include <array>
#include <doctest/doctest.h>

namespace {
using namespace zmm_test;
using std::size_t;

struct slot {
  slot* next = nullptr;
  int filled = 0;
  int taken = 0;
};

template <class Place> size_t count(Place& place) {
  size_t n = 0;
  while (place.take() != nullptr) ++n;
  return n;
}

TEST_CASE("depot: what was put is taken, whole and once") {
  zmm::detail::depot<slot, 3> place;
  CHECK(place.take() == nullptr);
  std::array<slot, 4> magazines{};
  for (size_t i = 0; i < 3; ++i) CHECK(place.put(&magazines[i]));
  CHECK_FALSE(place.put(&magazines[3]));
  for (size_t i = 0; i < 3; ++i) {
    slot* const m = place.take();
    REQUIRE(m != nullptr);
    CHECK(m->taken++ == 0);
  }
  CHECK(place.take() == nullptr);
  CHECK(place.put(&magazines[3]));
  place.reset();
  CHECK(place.take() == nullptr);
}

// Two threads put, two take, over fewer places than there are magazines.
struct passed_on {
  zmm::detail::depot<slot, 2, stepping_atomic> place;
  std::array<slot, 3> magazines{};
  std::array<int, 3> refused{};

  void put(size_t i) {
    magazines[i].filled = 7;
    if (!place.put(&magazines[i])) refused[i] = 1;
  }
  void take() {
    if (slot* const m = place.take()) {
      expect(m->filled == 7, "who takes a magazine sees what is in it");
      ++m->taken;
    }
  }
  void run(size_t thread) {
    switch (thread) {
    case 0: put(0), put(1); break;
    case 1: put(2), take(); break;
    default: take(); break;
    }
  }
  void check() {
    for (slot* m = place.take(); m != nullptr; m = place.take()) ++m->taken;
    for (size_t i = 0; i < magazines.size(); ++i)
      expect(magazines[i].taken + refused[i] == 1, "each magazine is taken once, or was refused");
  }
};

TEST_CASE("depot: under every interleaving each magazine is taken once") {
  exploration const all = explore<passed_on>(3);
  CHECK(all.failure == "");
  CHECK(all.complete);
  if (!all.failure.empty()) MESSAGE(all.schedule);
  MESSAGE("schedules: " << all.schedules << ", redundant " << all.redundant << ", longest " << all.steps << " steps");
}

// What it must not be: a place taken by a load and a store.
struct careless {
  stepping_atomic<slot*> place{nullptr};
  stepping_atomic<int> taken{0};
  slot only;
  void run(size_t thread) {
    if (thread == 0) return place.store(&only);
    if (place.load() == nullptr) return;
    place.store(nullptr);
    taken.fetch_add(1);
  }
  void check() { expect(taken.load() <= 1, "taken once"); }
};
TEST_CASE("depot: a take by a load and a store is found to take twice") {
  CHECK(explore<careless>(3).failure == "taken once");
}

TEST_CASE("depot: threads that put and take, for real") {
  zmm::detail::depot<slot, 4> place;
  constexpr size_t threads = 4;
  std::array<std::array<slot, 8>, threads> own{};
  std::atomic<size_t> taken{0}, put{0};
  in_threads(threads, [&](size_t thread) {
    std::vector<slot*> held;
    for (slot& s : own[thread]) held.push_back(&s);
    for (size_t i = 0; i < scaled(20'000); ++i) {
      if (!held.empty() && i % 2 == 0) {
        held.back()->filled = static_cast<int>(thread);
        if (place.put(held.back())) held.pop_back(), ++put;
      } else if (slot* const m = place.take()) {
        ++m->taken;
        held.push_back(m), ++taken;
      }
    }
  });
  CHECK(put == taken + count(place));
  CHECK(taken > 0);
}
}  // namespace
