// Threads whose end nobody will be told: no key is left, or a thread comes for the first time in its very end; and a thread
// whose heap is what the C library asks for memory to note a key in.
#include <zmm/zmm.hpp>
#include <zmm/storage/thread_end.hpp>

#include "../support/lock_order.hpp"
#include <atomic>
#include <cstdio>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {
using zmm::detail::thread_end;

std::atomic<bool> fine{true};
void check(bool holds, char const* rule) {
  if (!holds) std::printf("broken: %s\n", rule);
  if (!holds) fine = false;
}

// How many times in this thread pthread_setspecific is to fail, and whether it uses the heap first.
thread_local int fails = 0;
thread_local bool allocates = false;
thread_local bool was_told_inside = true;

void use() { zmm::thread_heap::deallocate(zmm::thread_heap::allocate(3 << 20), 3 << 20); }
}  // namespace

extern "C" int pthread_setspecific(pthread_key_t key, void const* value) noexcept {
  static auto* const real =
      reinterpret_cast<int (*)(pthread_key_t, void const*)>(::dlsym(RTLD_NEXT, "pthread_setspecific"));
  if (allocates) {
    allocates = false;
    check(zmm::detail::thread_members_lock.try_lock(), "no lock is held while the C library may allocate");
    zmm::detail::thread_members_lock.unlock();
    was_told_inside = thread_end::watch();
    use();
  }
  if (fails != 0) {
    --fails;
    return 12;  // ENOMEM
  }
  return real(key, value);
}

namespace {
// In a process that has not used zmm yet.
template <class Work> void run(char const* name, Work work) {
  pid_t const process = ::fork();
  if (process == 0) {
    ::alarm(20);
    work();
    ::_exit(fine ? 0 : 1);
  }
  int status = 1;
  ::waitpid(process, &status, 0);
  if (status != 0) std::printf("broken: %s: status %d\n", name, status);
  if (status != 0) fine = false;
}

std::vector<pthread_key_t> take_all_keys(std::size_t but = 0) {
  std::vector<pthread_key_t> keys;
  for (pthread_key_t k = 0; pthread_key_create(&k, nullptr) == 0;) keys.push_back(k);
  for (; but != 0; --but) {
    pthread_key_delete(keys.back());
    keys.pop_back();
  }
  return keys;
}
}  // namespace

int main() {
  run("no key is left, and then there is one", [] {
    std::vector<pthread_key_t> const keys = take_all_keys();
    std::thread([&] {
      check(!thread_end::watch(), "without a key the thread's end is not told");
      pthread_key_delete(keys.back());
      check(thread_end::watch(), "with a key it is");
    }).join();
  });
  run("a key whose values lie in memory of their own", [] {
    (void)take_all_keys(1);  // the last of all
    std::thread([] {
      allocates = true;
      check(thread_end::watch(), "the thread's end is told, whatever the C library allocates");
      check(!was_told_inside, "inside the call it was not told");
      check(thread_end::watch(), "and is told once more");
    }).join();
    std::thread([] {
      allocates = true;
      use();
      use();
    }).join();
    zmm::thread_heap::verify();
  });
  run("no memory to note the key in", [] {
    std::thread([] {
      fails = 1;
      check(!thread_end::watch(), "without memory the thread's end is not told");
      check(thread_end::watch(), "with memory it is");
    }).join();
  });
  run("threads that begin while the key's object is forgotten", [] {
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
      threads.emplace_back([&] {
        while (!over) std::thread([] { check(thread_end::watch(), "another key is made"); }).join();
      });
    for (int i = 0; i < 200; ++i) thread_end::forget(zmm::detail::key_of_this_object);
    over = true;
    for (std::thread& t : threads) t.join();
  });
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
