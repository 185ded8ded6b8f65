// fork_registry: locks that are held while the process forks.
#include <zmm/storage/fork_guard.hpp>
#include <zmm/storage/os_storage.hpp>

#include <atomic>
#include <doctest/doctest.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {
using zmm::detail::fork_node;

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
  fork_node node{this, &note<0>, &note<1>, &note<2>};
};

TEST_CASE("fork guard: held in attach order and let go of in reverse, on either side") {
  participant a{'a'}, k{'k'};
  zmm::detail::forks.attach(a.node);
  zmm::detail::forks.attach(k.node);
  zmm::detail::forks.attach(a.node);  // no second time
  calls.clear();
  CHECK(in_child([] { return calls == "akmc" ? 0 : 1; }) == 0);
  CHECK(calls == "aklb");
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
    fork_node node{this, &more, &less, &less};
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
