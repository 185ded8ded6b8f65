// A program that stops for a debugger: every engine with some blocks, then a heap and a hardened one with free blocks that were written to.
// docs/gdb.md shows what gdb says of it; session.py compares.
#include <zmm/gdb.hpp>
#include <zmm/zmm.hpp>

#include <cstring>
#include <initializer_list>
#include <memory_resource>
#include <thread>
#include <vector>

struct small_chunks : zmm::default_options {
  using geometry = zmm::geometry<256 * 1024, 4096>;
  static constexpr bool exact_peak = true;
};

// What the program says of its heaps, for the debugger to be compared with.
struct answer {
  char const* heap;
  zmm::statistics said;
};
answer answers[16];
std::size_t answer_count = 0;
zmm::pool_statistics pool_said;

// For breakpoints: where a debugger finds everything whatever the optimiser does.
extern "C" [[gnu::noinline]] void everything_is_there() { __asm__ volatile("" ::: "memory"); }
extern "C" [[gnu::noinline]] void something_is_damaged() { __asm__ volatile("" ::: "memory"); }

struct order {
  order* next;
  char text[40];
};
order* first_order;
void *freed_order, *page_block, *huge_block, *leaked, *packed, *behind_the_end, *shared_block;

namespace {

template <class Heap> void say(char const* name, Heap const& heap) { answers[answer_count++] = {name, heap.stats()}; }

template <class Heap> void use(Heap& heap) {
  void* some[300];
  for (std::size_t i = 0; i < 300; ++i) some[i] = heap.allocate(1 + i * 7 % 500);
  for (std::size_t i = 0; i < 300; i += 3) heap.deallocate(some[i], 1 + i * 7 % 500, alignof(std::max_align_t));
  static_cast<void>(heap.allocate(20000));
  static_cast<void>(heap.allocate(3000000));
  static_cast<void>(heap.allocate(640, 64));
}

}  // namespace

int main() {
  zmm::heap orders;
  for (int i = 0; i < 200; ++i) first_order = ::new (orders.allocate(sizeof(order))) order{first_order, "an order"};
  freed_order = first_order;
  first_order = first_order->next;
  orders.deallocate(freed_order, sizeof(order));
  page_block = orders.allocate(100000);
  huge_block = orders.allocate(5000000);
  *static_cast<order**>(huge_block) = first_order;

  zmm::debug_heap debug;
  leaked = debug.allocate(48);
  {
    zmm::label const scope{"parse order"};
    for (int i = 0; i < 10; ++i) static_cast<void>(debug.allocate(100));
  }
  behind_the_end = static_cast<char*>(leaked) + 50;
  debug.deallocate(debug.allocate(20), 20);

  zmm::hardened_heap hardened;
  use(hardened);
  zmm::segment_heap segments;
  use(segments);
  zmm::hardened_segment_heap hardened_segments;
  use(hardened_segments);
  zmm::basic_heap<small_chunks> small;
  use(small);
  static_cast<void>(small.collect());

  zmm::request_pool pool;
  zmm::request_heap request{pool};
  use(request);
  packed = request.allocate(100);
  zmm::request_heap inner{zmm::within, request};
  static_cast<void>(inner.allocate(64));
  zmm::debug_request_heap watched{pool};
  {
    zmm::label const scope{"render"};
    static_cast<void>(watched.allocate(300));
  }
  zmm::label_request(watched, "GET /page");
  alignas(64) static char buffer[8192];
  zmm::request_heap buffered{buffer, sizeof buffer, pool};
  static_cast<void>(buffered.allocate(100));
  alignas(64) static char sealed_buffer[8192];
  zmm::hardened_request_heap sealed{sealed_buffer, sizeof sealed_buffer, pool};
  for (int i = 0; i < 10; ++i) sealed.deallocate(sealed.allocate(100), 100);
  static_cast<void>(sealed.allocate(200));

  zmm::synchronized_heap shared;
  shared_block = shared.allocate(100);
  std::thread([&] { use(shared); }).join();
  use(shared);
  use(zmm::thread_heap::heap());
  zmm::request_resource resource;
  std::pmr::vector<int> numbers{&resource};
  numbers.resize(100);

  say("orders", orders);
  say("debug", debug);
  say("hardened", hardened);
  say("segments", segments);
  say("hardened_segments", hardened_segments);
  say("small", small);
  say("request", request);
  say("inner", inner);
  say("watched", watched);
  say("buffered", buffered);
  say("sealed", sealed);
  say("shared", shared);
  say("resource", resource);
  pool_said = pool.stats();
  everything_is_there();

  void* const sealed_block = hardened.allocate(100);
  hardened.deallocate(sealed_block, 100);
  for (void* freed : {freed_order, sealed_block}) std::memset(freed, 'A', 8);  // writes after a free
  something_is_damaged();
  std::_Exit(0);
}
