// A shared object that is opened and closed at run time, and hides everything but this.
#include "plugin.hpp"

#include <zmm/zmm.hpp>

#include <vector>

namespace {
std::vector<int, zmm::allocator<int>> of_the_plugin(1000, 1);  // freed when the object is closed
}

extern "C" {
void* plugin_allocate(std::size_t bytes) { return zmm::thread_heap::allocate(bytes); }
void plugin_deallocate(void* block, std::size_t bytes) { zmm::thread_heap::deallocate(block, bytes); }
std::size_t plugin_live_blocks() { return zmm::thread_heap::stats().live_blocks; }
int plugin_sum() {
  int sum = 0;
  for (int const i : of_the_plugin) sum += i;
  return sum;
}
}
