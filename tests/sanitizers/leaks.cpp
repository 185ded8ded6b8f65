// LeakSanitizer and a malloc'ed block whose only pointer lies in a block of an engine: no leak. leaks ENGINE lost: the pointer
// is overwritten, which is one.
#include <zmm/heap/heap.hpp>
#include <zmm/request/request_heap.hpp>
#include <zmm/segment/segment_heap.hpp>
#include <zmm/threads/synchronized_heap.hpp>
#include <zmm/threads/thread_heap.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {
// In blocks of all kinds, which live as long as the program.
void* volatile* kept[3];

template <class Heap> [[gnu::noinline]] void hide_pointers(Heap& heap) {
  std::size_t const sizes[3] = {48, 5000, 3000000};
  for (int i = 0; i < 3; ++i) {
    kept[i] = static_cast<void* volatile*>(heap.allocate(sizes[i]));
    kept[i][3] = std::malloc(100);
  }
}
template <class Heap> Heap& immortal() {
  alignas(Heap) static unsigned char place[sizeof(Heap)];
  return *::new (place) Heap;
}
[[gnu::noinline]] void wipe_the_stack() {
  char volatile bytes[4000];
  for (char volatile& b : bytes) b = 0;
}
template <class Heap> int run(Heap& heap, bool loses) {
  hide_pointers(heap);
  wipe_the_stack();
  for (int i = 0; loses && i < 3; ++i) kept[i][3] = nullptr;
  std::puts("done");
  return 0;  // the heap lives: what it held is reachable
}
}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return 2;
  bool const loses = count > 2 && std::strcmp(arguments[2], "lost") == 0;
  zmm::thread_heap process;
  if (std::strcmp(arguments[1], "thread_heap") == 0) return run(process, loses);
  if (std::strcmp(arguments[1], "heap") == 0) return run(immortal<zmm::heap>(), loses);
  if (std::strcmp(arguments[1], "request_heap") == 0) return run(immortal<zmm::request_heap>(), loses);
  if (std::strcmp(arguments[1], "synchronized_heap") == 0) return run(immortal<zmm::synchronized_heap>(), loses);
  if (std::strcmp(arguments[1], "segment_heap") == 0) return run(immortal<zmm::segment_heap>(), loses);
  return 2;
}
