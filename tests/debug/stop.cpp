// What a debug heap says on stderr when it stops: the rule, the block, where it was allocated.
// prints: zmm: a freed block is live (address ADDRESS, 48 bytes allocated at stop.cpp:12 in parse order, heap ADDRESS)
// ends with: 134
#include <zmm/debug.hpp>
#include <zmm/zmm.hpp>

int main() {
  zmm::debug_heap heap;
  void* p;
  {
    zmm::label const scope{"parse order"};
    p = heap.allocate(48);
  }
  heap.deallocate(p, 48);
  heap.deallocate(p, 48);
}
