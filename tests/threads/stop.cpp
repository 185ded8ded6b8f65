// Stops that come while zmm holds a lock: the handler logs through the same heap and pool, in its thread and in another one,
// and then jumps out or exits, with destructors of static objects that free into the heap. alarm() ends what hangs.
#include <zmm/debug.hpp>
#include <zmm/hardened.hpp>
#include <zmm/zmm.hpp>
#include <zmm/storage/own_record.hpp>

#include "../support/lock_order.hpp"
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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
std::vector<char, zmm::allocator<char>> freed_at_exit(std::size_t{4} << 20);

// What a handler may use when `of` stops: not what has been overwritten.
void use_all(bool with_hardened) {
  for (std::size_t const n : {std::size_t{64}, std::size_t{9000}, std::size_t{3} << 20}) {
    instance.deallocate(instance.allocate(n), n);
    if (with_hardened) hardened.deallocate(hardened.allocate(n), n);
    debugged.deallocate(debugged.allocate(n), n);
    zmm::thread_heap::deallocate(zmm::thread_heap::allocate(n), n);
  }
  for (int i = 0; i < 40; ++i) {
    zmm::request_heap request(pool);
    (void)request.allocate(300000, 8);
  }
  (void)pool.stats();
  (void)debugged.stats();
}

bool uses_hardened = true;
std::jmp_buf way_out;

void log() noexcept {
  use_all(uses_hardened);
  std::thread([] { use_all(uses_hardened); }).join();
}
void log_and_exit(zmm::stop_info const&) noexcept {
  log();
  std::exit(3);
}
void log_and_jump(zmm::stop_info const&) noexcept {
  log();
  std::longjmp(way_out, 1);
}

// ---- what stops, each under another lock ----
void free_huge_twice() {  // the source's
  void* const p = instance.allocate(std::size_t{5} << 20);
  instance.deallocate(p, std::size_t{5} << 20);
  instance.deallocate(p, std::size_t{5} << 20);
}
void overwrite_cached_chunk() {  // the source's, amid taking a chunk
  uses_hardened = false;
  std::vector<void*> blocks;
  for (int i = 0; i < 6; ++i) blocks.push_back(hardened.allocate(std::size_t{1} << 20));
  for (void* const p : blocks) hardened.deallocate(p);
  (void)hardened.collect();
  for (void* const p : blocks)  // headers, of chunks that are still mapped, if they are
    if (hardened.owns(p))
      std::memset(reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(p) & ~std::uintptr_t{0x1fffff}), 0x5a, 64);
  for (int i = 0; i < 20; ++i) (void)hardened.try_allocate(std::size_t{1} << 20);
}
void free_debugged_twice() {  // inside the watch
  void* const p = debugged.allocate(100);
  debugged.deallocate(p, 100);
  debugged.deallocate(p, 100);
}
void write_to_an_ended_request() {  // the pool's, and all of its magazines
  char* p = nullptr;
  {
    zmm::debug_request_heap request(pool);
    p = static_cast<char*>(request.allocate(100));
  }
  p[0] = 'x';
  pool.verify();
}
void free_at_a_threads_end() {  // the members'
  zmm::detail::mutex_guard const guard(zmm::detail::thread_members_lock);
  zmm::detail::stop({"said for the test", nullptr, nullptr});
}
void free_twice_amid_a_fork() {  // all of them
  pthread_atfork(free_huge_twice, nullptr, nullptr);
  instance.deallocate(instance.allocate(5), 5);
  (void)!::fork();
}

struct stopping {
  char const* name;
  void (*work)();
  bool with_jump;  // zmm goes on: nothing was overwritten, and no fork is under way
};
constexpr stopping all[] = {
    {"a huge block freed twice", free_huge_twice, true},
    {"the header of a cached chunk overwritten", overwrite_cached_chunk, false},
    {"a debug heap's block freed twice", free_debugged_twice, true},
    {"a write to an ended request", write_to_an_ended_request, false},
    {"a fault at a thread's end", free_at_a_threads_end, true},
    {"a huge block freed twice in a fork handler", free_twice_amid_a_fork, false},
};

void use_before() {
  use_all(true);
  std::thread([] { use_all(true); }).join();
}

bool run(stopping const& what, bool jumps) {
  pid_t const child = ::fork();
  if (child == 0) {
    ::alarm(20);
    if (what.work != free_twice_amid_a_fork) use_before();
    zmm::set_stop_handler(jumps ? &log_and_jump : &log_and_exit);
    if (setjmp(way_out) == 0) {
      what.work();
      ::_exit(4);
    }
    log();
    std::exit(3);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  bool const fine = WIFEXITED(status) && WEXITSTATUS(status) == 3;
  if (!fine) std::printf("broken: %s, the handler %s: status %d\n", what.name, jumps ? "jumps" : "exits", status);
  return fine;
}
}  // namespace

int main() {
  bool fine = true;
  for (stopping const& what : all) {
    fine = run(what, false) && fine;
    if (what.with_jump) fine = run(what, true) && fine;
  }
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
