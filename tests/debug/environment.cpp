// ZMM_PASSTHROUGH decides whether engines forward; passthrough() has the last word, for engines made from then on.
#include <zmm/zmm.hpp>

#include "../support/malloc_bytes.hpp"
#include <cstdio>
#include <cstdlib>

namespace {
// Whether a block of the engine's is malloc's.
template <class Heap> bool forwards(Heap&& heap) {
  std::size_t const before = zmm_test::malloc_bytes();
  void* const p = heap.allocate(20'000);
  bool const is_larger = zmm_test::malloc_bytes() - before >= 20'000;
  heap.deallocate(p, 20'000);
  return is_larger;
}

bool all(bool on) {
  zmm::heap heap;
  zmm::hardened_heap hardened;
  zmm::synchronized_heap shared;
  zmm::request_resource request;
  zmm::segment_heap segments;
  return forwards(heap) == on && forwards(hardened) == on && forwards(shared) == on && forwards(request) == on &&
         forwards(segments) == on;
}
}  // namespace

int main() {
  char const* const wish = std::getenv("ZMM_PASSTHROUGH");
  bool const on = wish != nullptr && *wish == '1';
  if (!all(on)) return std::puts("the environment was not asked"), 1;
  zmm::passthrough(!on);
  if (!all(!on)) return std::puts("passthrough() was not asked"), 1;
  if (forwards(zmm::thread_heap()) == on) return std::puts("the process's heap decides when it is first used"), 1;
  zmm::passthrough(on);
  if (forwards(zmm::thread_heap()) == on) return std::puts("the process's heap stays what it is"), 1;
  if (!all(on)) return std::puts("passthrough() was asked once only"), 1;
  std::puts("ok");
}
