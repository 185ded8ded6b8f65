// Threads whose ends nobody tells zmm of: no pthread key is left, or the thread first uses a heap when its keys are destroyed for
// the last time. Their memory is found again, and a heap ends without reaching into what was theirs.
#include <zmm/zmm.hpp>

#include <climits>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {
using std::size_t;

std::unique_ptr<zmm::synchronized_heap> heap;

void use_it() {
  std::vector<void*> blocks;
  for (int i = 0; i < 200; ++i) blocks.push_back(heap->allocate(2000, 16));
  blocks.push_back(heap->allocate(100'000));
  heap->deallocate(blocks.back(), 100'000);
  blocks.pop_back();
  blocks[0] = heap->reallocate(blocks[0], 3000);
  heap->deallocate(blocks[0]);
  zmm::limit_lift<zmm::synchronized_heap> lift{*heap};
  for (size_t i = 1; i < blocks.size(); ++i) heap->deallocate(blocks[i], 2000, 16);
}

// A stack so large that the C library does not keep it: what lies in it and in the thread's own memory is unmapped.
void run(void* (*work)(void*), size_t stack) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack);
  pthread_t thread;
  if (pthread_create(&thread, &attributes, work, nullptr) != 0) {
    std::puts("broken: no thread");
    _exit(1);
  }
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

pthread_key_t last_key;
int rounds_left;

// Comes back until the last round, and uses the heap then.
void come_back(void* value) {
  if (--rounds_left > 0) pthread_setspecific(last_key, value);
  else use_it();
}
void* use_at_the_end(void*) {
  rounds_left = PTHREAD_DESTRUCTOR_ITERATIONS;
  pthread_setspecific(last_key, &rounds_left);
  return nullptr;
}
void* use_now(void*) {
  use_it();
  return nullptr;
}

bool is_flat(char const* what, void* (*work)(void*), size_t stack, int threads) {
  heap = std::make_unique<zmm::synchronized_heap>();
  for (int i = 0; i < 4; ++i) run(work, stack);
  size_t const few = heap->real_size();
  for (int i = 0; i < threads; ++i) run(work, stack);
  size_t const many = heap->real_size();
  use_it();
  (void)heap->collect();
  heap->verify();
  bool const flat = many <= few + (size_t{1} << 20), empty = heap->stats().live_blocks <= 200;
  if (!flat) std::printf("broken: %s: %zu bytes after 4 threads, %zu after %d\n", what, few, many, threads + 4);
  heap.reset();
  return flat && empty;
}

// In a process of its own: the keys are not given back.
template <class Work> bool in_a_process(Work work) {
  std::fflush(stdout);
  pid_t const child = fork();
  if (child == 0) {
    alarm(60);
    bool const fine = work();
    std::fflush(stdout);
    _exit(fine ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
}  // namespace

int main() {
  bool fine = true;
  for (size_t const stack : {size_t{1} << 20, size_t{80} << 20}) {
    fine = in_a_process([&] {
             pthread_key_t key;
             while (pthread_key_create(&key, nullptr) == 0) {}
             return is_flat("no key", use_now, stack, 200);
           }) &&
           fine;
    fine = in_a_process([&] {
             // Made first, so that it is destroyed before zmm's key in each round.
             pthread_key_create(&last_key, come_back);
             return is_flat("last round", use_at_the_end, stack, 200);
           }) &&
           fine;
  }
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
