#include "object.hpp"

#include <zmm/zmm.hpp>

#include <cstdio>
#include <thread>
#include <vector>

namespace {
void on_stop(zmm::stop_info const&) noexcept {}
}

int main() {
  bool fine = true;
  auto check = [&fine](bool holds, char const* rule) {
    if (!holds) std::printf("broken: %s\n", rule);
    fine = fine && holds;
  };
  void const* const ours = &zmm::default_request_pool();
  check(first::default_pool() == ours && second::default_pool() == ours, "one default pool in the process");

  zmm::set_stop_handler(&on_stop);
  void* const handler = reinterpret_cast<void*>(&on_stop);
  check(first::stop_handler_before() == handler && second::stop_handler_before() == handler, "one stop handler in the process");
  zmm::set_stop_handler(nullptr);

  // A request begun in one object, used here, ended in the other: its slabs come from and go back to the same pool.
  std::pmr::memory_resource* request = first::begin_request();
  {
    std::pmr::vector<int> numbers{request};
    for (int i = 0; i < 10'000; ++i) numbers.push_back(i);
    check(zmm::default_request_pool().stats().in_flight == 1, "a request of another object is in flight here");
  }
  second::end_request(request);
  check(zmm::default_request_pool().stats().in_flight == 0, "and ended in a third");

  // One heap of the process, and in it one part for each thread, whichever object's code allocates or frees.
  std::pmr::memory_resource* const resource = zmm::thread_resource();
  check(first::thread_resource() == resource && second::thread_resource() == resource, "one thread_resource in the process");
  std::vector<std::thread> threads;
  std::vector<void*> left(4);
  for (std::size_t t = 0; t < left.size(); ++t)
    threads.emplace_back([&left, t] {
      for (int i = 0; i < 2000; ++i) second::deallocate(first::allocate(64), 64);
      for (int i = 0; i < 2000; ++i) zmm::thread_heap::deallocate(second::allocate(5000), 5000);
      left[t] = t % 2 == 0 ? first::allocate(100) : second::allocate(100);
    });
  for (std::thread& t : threads) t.join();
  for (void* p : left) {
    check(first::owns(p) && second::owns(p) && zmm::thread_heap::owns(p), "a block is known everywhere");
    second::deallocate(p, 100);
  }
  zmm::thread_heap::verify();
  check(zmm::thread_heap::stats().live_blocks == 0, "what one object allocates another frees");
  check(zmm::thread_heap::real_size() <= (std::size_t{2} << 20) * 5 + (1 << 20), "a thread has one part of the heap");

  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
