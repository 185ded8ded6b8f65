#include "object.hpp"

#include <zmm/zmm.hpp>

#include <cstdio>
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

  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
