// Fork handlers of others that use zmm, registered before its first use and after it, while other threads work: whatever a
// program may do elsewhere it may do there, in each of the three handlers. alarm() ends what hangs.
#include <zmm/debug.hpp>
#include <zmm/hardened.hpp>
#include <zmm/zmm.hpp>

#include "../support/lock_order.hpp"
#include <atomic>
#include <cstdio>
#include <memory>
#include <pthread.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {
zmm::synchronized_heap instance;
zmm::hardened_synchronized_heap hardened;
zmm::debug_synchronized_heap debugged;
zmm::request_pool pool;

std::atomic<int> uses{0};
std::atomic<bool> forks_itself{false};

template <class Heap> void use_heap(Heap& heap) {
  for (std::size_t const n : {std::size_t{40}, std::size_t{9000}, std::size_t{3} << 20}) {
    void* const p = heap.allocate(n, 16);
    static_cast<char*>(p)[0] = 1;
    heap.deallocate(p, n, 16);
  }
  heap.deallocate(heap.allocate_growing(std::size_t{3} << 20, 16), std::size_t{3} << 20, 16);  // with a reserve
  (void)heap.real_size();
  (void)heap.collect();
  (void)heap.trim();
  (void)heap.stats();
}

void use_request(zmm::request_pool& from) {
  zmm::request_heap request(from);
  for (std::size_t const n : {std::size_t{100}, std::size_t{5000}, std::size_t{300000}, std::size_t{3} << 20})
    (void)request.allocate(n, 8);
  zmm::request_heap child(zmm::within, request);
  (void)child.allocate(2000, 8);
  zmm::debug_request_heap watched(from);
  (void)watched.allocate(2000, 8);
}

void use() {
  ++uses;
  use_heap(zmm::thread_heap::heap());
  use_heap(instance);
  use_heap(hardened);
  use_heap(debugged);
  std::size_t sites = 0;
  zmm::for_each_site(debugged, [&](zmm::site_figures const&) { ++sites; });
  for (zmm::request_pool* const from : {&pool, &zmm::default_request_pool()}) {
    use_request(*from);
    (void)from->stats();
    (void)from->trim();
  }
  // Heaps, pools and keys that come and go amid the fork.
  zmm::synchronized_heap brief;
  use_heap(brief);
  zmm::debug_synchronized_heap brief_debugged;
  use_heap(brief_debugged);
  zmm::hardened_heap brief_hardened;
  use_heap(brief_hardened);
  zmm::request_pool brief_pool;
  use_request(brief_pool);
  if (forks_itself.exchange(false)) {
    pid_t const inner = ::fork();
    if (inner == 0) {
      use_heap(instance);
      use_request(pool);
      ::_exit(0);
    }
    int status = 1;
    ::waitpid(inner, &status, 0);
    if (status != 0) std::printf("broken: a handler's own fork ended with status %d\n", status);
  }
}

bool forks_well() {
  pid_t const child = ::fork();
  if (child == 0) {
    ::alarm(20);
    use();
    ::_exit(0);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  return status == 0;
}

enum handlers : unsigned { before = 1, in_parent = 2, in_child = 4 };
void take_part(unsigned which) {
  pthread_atfork((which & before) != 0 ? use : nullptr, (which & in_parent) != 0 ? use : nullptr,
                 (which & in_child) != 0 ? use : nullptr);
}

// In a process of its own, which has not used zmm yet. Returns: whether it ended well.
bool run(bool registers_first, unsigned which, bool nested) {
  pid_t const process = ::fork();
  if (process != 0) {
    int status = 1;
    ::waitpid(process, &status, 0);
    if (status != 0)
      std::printf("broken: handlers %u, registered %s first use: status %d\n", which,
                  registers_first ? "before" : "after", status);
    return status == 0;
  }
  ::alarm(40);
  if (registers_first) take_part(which);
  use();
  if (!registers_first) take_part(which);
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      while (!over) {
        use_heap(instance);
        use_heap(debugged);
        use_request(pool);
      }
    });
  bool fine = true;
  int const uses_before = uses;
  for (int i = 0; i < 3; ++i) {
    if (nested) forks_itself = true;
    fine = forks_well() && fine;
  }
  fine = fine && ((which & (before | in_parent)) == 0 || uses >= uses_before + 3);
  over = true;
  for (std::thread& t : threads) t.join();
  use();
  instance.verify();
  pool.verify();
  debugged.verify();
  ::_exit(fine ? 0 : 1);
}
}  // namespace

int main() {
  bool fine = true;
  for (bool const registers_first : {true, false}) {
    for (unsigned const which : {+before, +in_parent, +in_child, before | in_parent | in_child}) {
      fine = run(registers_first, which, false) && fine;
    }
    fine = run(registers_first, before | in_parent | in_child, true) && fine;
  }
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
