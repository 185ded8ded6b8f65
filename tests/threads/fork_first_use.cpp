// fork() while another thread is in the middle of its first use of a heap or a pool: the child uses both at once. The C
// library's functions that a first use calls are made slow here, as a thread is that loses its processor in them.
#include <zmm/hardened.hpp>
#include <zmm/zmm.hpp>

#include "../support/lock_order.hpp"
#include <atomic>
#include <cstdio>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {
// What is slow, once. A thread that comes by says so and waits.
enum class slow : int { nothing, key_create, key_set, at_fork, at_exit, local_static };
std::atomic<slow> which{slow::nothing};
std::atomic<bool> is_inside{false};

void come_by(slow here) {
  slow expected = here;
  if (!which.compare_exchange_strong(expected, slow::nothing)) return;
  is_inside = true;
  ::usleep(200000);
}

template <class F> F* next(char const* name) { return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name)); }
}  // namespace

extern "C" {
int pthread_key_create(pthread_key_t* key, void (*at_end)(void*)) noexcept {
  come_by(slow::key_create);
  auto* const real = next<int(pthread_key_t*, void (*)(void*))>("pthread_key_create");
  return real(key, at_end);
}
int pthread_setspecific(pthread_key_t key, void const* value) noexcept {
  come_by(slow::key_set);
  auto* const real = next<int(pthread_key_t, void const*)>("pthread_setspecific");
  return real(key, value);
}
int __register_atfork(void (*before)(), void (*in_parent)(), void (*in_child)(), void* object) noexcept;
int __register_atfork(void (*before)(), void (*in_parent)(), void (*in_child)(), void* object) noexcept {
  come_by(slow::at_fork);
  auto* const real = next<int(void (*)(), void (*)(), void (*)(), void*)>("__register_atfork");
  return real(before, in_parent, in_child, object);
}
int __cxa_atexit(void (*work)(void*), void* argument, void* object) noexcept;
int __cxa_atexit(void (*work)(void*), void* argument, void* object) noexcept {
  come_by(slow::at_exit);
  auto* const real = next<int(void (*)(void*), void*, void*)>("__cxa_atexit");
  return real != nullptr ? real(work, argument, object) : 0;
}
int __cxa_guard_acquire(long long* guard);
int __cxa_guard_acquire(long long* guard) {
  auto* const real = next<int(long long*)>("__cxa_guard_acquire");
  int const is_mine = real(guard);
  if (is_mine != 0) come_by(slow::local_static);  // and has it until it has made the object
  return is_mine;
}
}

namespace {
void use() {
  zmm::thread_heap::deallocate(zmm::thread_heap::allocate(8), 8);
  zmm::thread_heap::deallocate(zmm::thread_heap::allocate(4 << 20), 4 << 20);
  std::pmr::memory_resource* const shared = zmm::thread_resource();
  shared->deallocate(shared->allocate(100), 100);
  zmm::request_heap request;
  (void)request.allocate(100);
  zmm::hardened_synchronized_heap brief;
  brief.deallocate(brief.allocate(100), 100);
}

// In a process that has not used zmm yet. Returns: whether the child ended well.
bool run(slow what) {
  pid_t const process = ::fork();
  if (process != 0) {
    int status = 1;
    ::waitpid(process, &status, 0);
    if (status != 0) std::printf("broken: a fork amid call %d: status %d\n", static_cast<int>(what), status);
    return status == 0;
  }
  ::alarm(20);
  which = what;
  std::atomic<bool> is_over{false};
  std::thread first([&] {
    use();
    is_over = true;
  });
  while (!is_inside && !is_over) ::usleep(1000);  // a first use need not come by everywhere
  pid_t const child = ::fork();
  if (child == 0) {
    ::alarm(10);
    use();
    pid_t const grandchild = ::fork();
    if (grandchild == 0) {
      use();
      ::_exit(0);
    }
    int status = 1;
    ::waitpid(grandchild, &status, 0);
    ::_exit(status == 0 ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  first.join();
  use();
  ::_exit(status == 0 ? 0 : 1);
}
}  // namespace

int main() {
  bool fine = true;
  for (slow const what : {slow::key_create, slow::key_set, slow::at_fork, slow::at_exit, slow::local_static})
    fine = run(what) && fine;
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
