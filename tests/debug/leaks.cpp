// A debug heap's leak report as text, on stderr, whole. docs/debugging.md shows the same.
// prints: zmm: heap ADDRESS ends with live blocks
// prints: leaks.cpp(23) : 48 bytes at ADDRESS
// prints: leaks.cpp(26) : 64 bytes at ADDRESS, in parse order
// prints:   repeated 999 times, 64000 bytes in all
// prints: (place not known) : 4000 bytes at ADDRESS, in parse order
// prints: === 1002 blocks leaked, 68048 bytes ===
// ends with: 0
#include <zmm/debug.hpp>
#include <zmm/zmm.hpp>

#include <new>
#include <vector>

namespace {
using numbers = std::vector<int, zmm::allocator<int, zmm::debug_heap>>;
alignas(numbers) unsigned char never_destroyed[sizeof(numbers)];
}  // namespace

int main() {
  zmm::debug_heap heap;
  void* const freed = heap.allocate(100);
  (void)heap.allocate(48);
  {
    zmm::label const scope{"parse order"};
    for (int i = 0; i < 1000; ++i) (void)heap.allocate(64);
    ::new (never_destroyed) numbers(1000, 0, heap);
  }
  heap.deallocate(freed, 100);
}
