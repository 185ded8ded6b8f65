// How a thread ends: pthread keys made before and after zmm's, threads that are cancelled or leave in the middle, and a main
// thread that leaves first.
#include <zmm/zmm.hpp>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <pthread.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {
std::atomic<bool> fine{true};
void check(bool holds, char const* rule) {
  if (!holds) std::printf("broken: %s\n", rule);
  if (!holds) fine = false;
}

std::array<pthread_key_t, 2> keys;  // one older than zmm's, one younger
template <int Which> void key_destructor(void* block) {
  zmm::thread_heap::deallocate(block, 64);
  zmm::thread_heap::deallocate(zmm::thread_heap::allocate(5000), 5000);
}

void* worker(void* argument) {
  for (pthread_key_t const key : keys) pthread_setspecific(key, zmm::thread_heap::allocate(64));
  zmm::thread_heap::deallocate(zmm::thread_heap::allocate(200), 200);
  if (argument != nullptr) pthread_exit(nullptr);  // in the middle
  return nullptr;
}

void* waits_to_be_cancelled(void*) {
  pthread_setspecific(keys[1], zmm::thread_heap::allocate(64));
  for (;;) ::pause();
}

std::size_t live_before_main_left = 0;

// Waits until the main thread has ended, told by the block that its key frees last of all. (Joining it is nothing that
// ThreadSanitizer can follow.)
void* after_main(void*) {
  ::alarm(60);
  while (zmm::thread_heap::stats().live_blocks != live_before_main_left) std::this_thread::yield();
  for (int i = 0; i < 100; ++i)
    std::thread([] { zmm::thread_heap::deallocate(zmm::thread_heap::allocate(40), 40); }).join();
  check(zmm::thread_heap::stats().live_blocks == live_before_main_left, "what the main thread left is nobody's");
  if (fine) std::puts("ok");
  std::fflush(stdout);
  std::_Exit(fine ? 0 : 1);
}
}  // namespace

int main() {
  pthread_key_create(&keys[0], &key_destructor<0>);
  zmm::thread_heap::deallocate(zmm::thread_heap::allocate(1), 1);
  pthread_key_create(&keys[1], &key_destructor<1>);
  std::size_t const before = zmm::thread_heap::stats().live_blocks;
  for (int round = 0; round < 100; ++round) {
    std::array<pthread_t, 4> threads;
    for (std::size_t i = 0; i < threads.size(); ++i)
      pthread_create(&threads[i], nullptr, &worker, i % 2 == 0 ? &fine : nullptr);
    for (pthread_t const t : threads) pthread_join(t, nullptr);
  }
  for (int round = 0; round < 20; ++round) {
    pthread_t t;
    pthread_create(&t, nullptr, &waits_to_be_cancelled, nullptr);
    pthread_cancel(t);
    pthread_join(t, nullptr);
  }
  check(zmm::thread_heap::stats().live_blocks == before, "every key freed its block");
  check(zmm::thread_heap::real_size() <= std::size_t{40} << 20, "no thread left a heap that nobody finds");

  live_before_main_left = before;
  pthread_setspecific(keys[1], zmm::thread_heap::allocate(64));
  pthread_t last;
  pthread_create(&last, nullptr, &after_main, nullptr);
  pthread_exit(nullptr);
}
