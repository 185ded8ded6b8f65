// fork_registry: locks that are held while the process forks.
#include <zmm/storage/fork_guard.hpp>
#include <zmm/storage/os_storage.hpp>

#include <atomic>
#include <doctest/doctest.h>
#include <memory>
#include <pthread.h>
#include <optional>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {
using zmm::detail::fork_node;
using zmm::detail::lock_rank;
using zmm::detail::mutex;
using zmm::detail::mutex_guard;

// Runs `body` in a child; returns its exit status, or -1 if it did not end by itself.
template <class Body> int in_child(Body body) {
  pid_t const child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string calls;  // one letter for each callback, in order

struct participant {
  explicit participant(char letter) : name(letter) {}
  ~participant() { zmm::detail::forks.detach(node); }

  template <int Shift> static void note(void* self) noexcept {
    calls.push_back(static_cast<char>(static_cast<participant*>(self)->name + Shift));
  }

  char name;
  mutex lock{lock_rank::keys};
  fork_node node{lock, this, &note<2>, &note<0>, &note<1>};  // in the child, held, over
};

// Whether another thread gets the lock at once.
bool is_free(mutex& lock) {
  bool free = false;
  std::thread([&] {
    free = lock.try_lock();
    if (free) lock.unlock();
  }).join();
  return free;
}

TEST_CASE("fork guard: locks are held, and let go of on either side, and the child is told while they all still are") {
  participant a{'a'}, k{'k'};
  zmm::detail::forks.attach(a.node);
  zmm::detail::forks.attach(k.node);
  zmm::detail::forks.attach(a.node);  // no second time
  calls.clear();
  CHECK(in_child([&] { return calls == "akcmlb" && is_free(a.lock) && is_free(k.lock) ? 0 : 1; }) == 0);
  CHECK(calls == "aklb");
  CHECK(is_free(a.lock));
}

// Two threads that fork at once: one holds all locks, the other waits for one of them, and is not there in the child.
TEST_CASE("fork guard: a lock for which another forking thread waits is free in the child") {
  participant a{'a'};
  mutex wanted{lock_rank::central};
  struct waiters {
    mutex& wanted;
    std::thread thread;
  } waiting{wanted, {}};
  zmm::detail::fork_node node{wanted, &waiting, nullptr, [](void* self) noexcept {
    auto& w = *static_cast<waiters*>(self);
    w.thread = std::thread([&w] {
      w.wanted.hold();
      w.wanted.let_go();
    });
    ::usleep(2000);  // less than hold() waits before it asks anew
  }};
  zmm::detail::forks.attach(a.node);
  zmm::detail::forks.attach(node);
  CHECK(in_child([&] { return a.lock.try_lock() && wanted.try_lock() ? 0 : 1; }) == 0);
  waiting.thread.join();
  CHECK(wanted.try_lock());
  wanted.unlock();
  zmm::detail::forks.detach(node);
}

// As above, but the thread that forks had taken that lock before: a storage may fork.
TEST_CASE("fork guard: a lock that the forking thread held anyway is free in the child once it lets go") {
  mutex wanted{lock_rank::central};
  zmm::detail::fork_node node{wanted};
  zmm::detail::forks.attach(node);
  std::optional<mutex_guard> mine;
  mine.emplace(wanted);
  std::thread waiting([&] {
    wanted.hold();
    wanted.let_go();
  });
  ::usleep(2000);
  CHECK(in_child([&] {
          mine.reset();
          return wanted.try_lock() ? 0 : 1;
        }) == 0);
  mine.reset();
  waiting.join();
  zmm::detail::forks.detach(node);
}

TEST_CASE("fork guard: what is detached takes no part") {
  participant a{'a'}, k{'k'}, u{'u'};
  for (participant* p : {&a, &k, &u}) zmm::detail::forks.attach(p->node);
  zmm::detail::forks.detach(k.node);
  zmm::detail::forks.detach(k.node);
  calls.clear();
  CHECK(in_child([] { return 0; }) == 0);
  CHECK(calls == "auvb");
  zmm::detail::forks.attach(k.node);
  calls.clear();
  CHECK(in_child([] { return 0; }) == 0);
  CHECK(calls == "auklvb");
}

TEST_CASE("fork guard: a thread that forks amid a storage keeps the lock it has, in the child too") {
  participant a{'a'}, k{'k'};
  zmm::detail::forks.attach(a.node);
  zmm::detail::forks.attach(k.node);
  calls.clear();
  {
    mutex_guard const guard(a.lock);
    CHECK(in_child([&] { return !is_free(a.lock) && is_free(k.lock) ? 0 : 1; }) == 0);
    CHECK_FALSE(is_free(a.lock));
  }
  CHECK(is_free(a.lock));
  CHECK(calls == "kl");
}

TEST_CASE("fork guard: locks that others nest in any order") {
  participant a{'a'}, k{'k'};
  zmm::detail::forks.attach(a.node);
  zmm::detail::forks.attach(k.node);
  for (bool const reversed : {false, true}) {
    mutex& outer = reversed ? k.lock : a.lock;
    mutex& inner = reversed ? a.lock : k.lock;
    std::atomic<bool> has_outer{false}, over{false};
    std::thread nester([&] {
      outer.lock();
      has_outer = true;
      ::usleep(50000);  // now the fork has begun
      inner.lock();
      inner.unlock();
      outer.unlock();
      while (!over) ::usleep(1000);
    });
    while (!has_outer) std::this_thread::yield();
    ::alarm(20);  // ends what hangs
    CHECK(in_child([&] { return a.lock.try_lock() && k.lock.try_lock() ? 0 : 1; }) == 0);
    ::alarm(0);
    over = true;
    nester.join();
  }
}

// What other people's fork handlers do. The handlers stay registered, so they look here.
std::vector<void (*)()> in_handlers;
void run_handler() {
  for (void (*work)() : in_handlers) work();
}

TEST_CASE("fork guard: fork handlers of others attach, detach, lock and fork") {
  static participant* made = nullptr;
  static participant always{'x'};
  static int forks = 0;
  zmm::detail::forks.attach(
      always.node);  // so this object's handlers came first: others' run amid the fork or after it
  static bool const registered = ::pthread_atfork(&run_handler, &run_handler, &run_handler) == 0;
  REQUIRE(registered);
  in_handlers = {[] {
                   { mutex_guard const guard(always.lock); }
                   delete made;
                   made = new participant('y');
                   zmm::detail::forks.attach(made->node);
                   mutex_guard const guard(made->lock);
                 },
                 [] {
                   if (++forks > 2) return;
                   CHECK(in_child([] { return is_free(made->lock) ? 0 : 1; }) == 0);
                 }};
  ::alarm(20);
  CHECK(in_child([] { return is_free(always.lock) && is_free(made->lock) ? 0 : 1; }) == 0);
  ::alarm(0);
  in_handlers.clear();
  CHECK(is_free(always.lock));
  CHECK(is_free(made->lock));
  delete made;
  zmm::detail::forks.detach(always.node);
}

TEST_CASE("fork guard: inside a fork, as several objects would guard it, locks pass, nodes come and go") {
  participant a{'a'}, k{'k'};
  zmm::detail::forks.attach(a.node);
  calls.clear();
  for (int i = 0; i < 2; ++i) zmm::detail::forks.before();
  CHECK(calls == "a");
  CHECK_FALSE(is_free(a.lock));
  { mutex_guard const guard(a.lock); }
  CHECK_FALSE(is_free(a.lock));
  zmm::detail::forks.attach(k.node);
  CHECK(calls == "ak");
  CHECK_FALSE(is_free(k.lock));
  {
    participant brief{'u'};
    zmm::detail::forks.attach(brief.node);
  }
  CHECK(calls == "akuv");
  zmm::detail::forks.detach(a.node);
  CHECK(is_free(a.lock));
  zmm::detail::forks.after(false);
  CHECK_FALSE(is_free(k.lock));
  zmm::detail::forks.after(false);
  CHECK(is_free(k.lock));
  CHECK(calls == "akuvbl");
}

TEST_CASE("fork guard: a node that a second forking thread waits for goes amid the first one's fork") {
  auto a = std::make_unique<participant>('a');
  zmm::detail::forks.attach(a->node);
  std::atomic<int> stage{0};
  ::alarm(20);
  a->lock.lock();  // keeps both from going on
  std::thread first([&] {
    zmm::detail::forks.before();
    stage = 1;
    ::usleep(50000);
    a.reset();
    zmm::detail::forks.after(false);
  });
  std::thread second([&] {
    ::usleep(20000);
    zmm::detail::forks.before();
    zmm::detail::forks.after(false);
  });
  ::usleep(50000);
  a->lock.unlock();
  first.join();
  second.join();
  ::alarm(0);
  CHECK(stage == 1);
}

TEST_CASE("fork guard: threads that fork at once, while locks are taken all the time") {
  participant a{'a'}, k{'k'};
  zmm::detail::forks.attach(a.node);
  zmm::detail::forks.attach(k.node);
  std::atomic<bool> done{false};
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      while (!done) {
        mutex_guard const outer(t % 2 == 0 ? a.lock : k.lock);
        ::usleep(200);
      }
    });
  std::vector<std::thread> forkers;
  for (int t = 0; t < 2; ++t)
    forkers.emplace_back([&] {
      for (int i = 0; i < 20; ++i) failed += in_child([&] { return a.lock.try_lock() && k.lock.try_lock() ? 0 : 1; });
    });
  for (std::thread& t : forkers) t.join();
  done = true;
  for (std::thread& t : threads) t.join();
  CHECK(failed == 0);
}

TEST_CASE("fork guard: a child finds the table of reserved blocks free") {
  std::atomic<bool> done{false};
  std::size_t const page = zmm::os_page_size();
  auto const pair = [page] {
    void* const block = zmm::os_storage().allocate(page, page, 16 * page);
    if (block == nullptr || !zmm::os_storage().extend(block, page, 2 * page)) return false;
    zmm::os_storage().deallocate(block, 2 * page, 16 * page);
    return true;
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      while (!done) (void)pair();
    });
  int failed = 0;
  for (int i = 0; i < 50; ++i) failed += in_child([&] { return pair() ? 0 : 1; }) != 0;
  CHECK(failed == 0);
  done = true;
  for (std::thread& t : threads) t.join();
}

TEST_CASE("fork guard: attaching and detaching while another thread forks") {
  std::atomic<bool> done{false};
  std::atomic<long> held{0};
  struct counted {
    explicit counted(std::atomic<long>& count) : held(&count) {}
    ~counted() { zmm::detail::forks.detach(node); }
    static void more(void* self) noexcept { ++*static_cast<counted*>(self)->held; }
    static void less(void* self) noexcept { --*static_cast<counted*>(self)->held; }
    std::atomic<long>* held;
    mutex lock{lock_rank::keys};
    fork_node node{lock, this, nullptr, &more, &less};
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      while (!done) {
        counted first{held}, second{held};
        zmm::detail::forks.attach(first.node);
        zmm::detail::forks.attach(second.node);
      }
    });
  int failed = 0;
  for (int i = 0; i < 50; ++i) failed += in_child([&] { return held == 0 ? 0 : 1; }) != 0;
  CHECK(failed == 0);
  done = true;
  for (std::thread& t : threads) t.join();
  CHECK(held == 0);
}
}  // namespace
