// One fault with a block of one engine: faults ENGINE FAULT. Without FAULT: all of it done right. The tool that watches the
// program has to say what is wrong, in the function the_fault_…(), and nothing where nothing is. Prints "done" at its end.
// Nothing of the C++ library's own code is in the program: MemorySanitizer knows what it compiled only.
#include <zmm/heap/heap.hpp>
#include <zmm/request/request_heap.hpp>
#include <zmm/segment/segment_heap.hpp>
#include <zmm/threads/synchronized_heap.hpp>
#include <zmm/threads/thread_heap.hpp>

#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace {
using byte = unsigned char volatile;

[[gnu::noinline]] void the_fault_writes(byte* p) { *p = 1; }
[[gnu::noinline]] void the_fault_reads(byte* p) {
  if (*p == 1) std::puts("one");  // what has no value may be copied: only who decides by it is reported
}

bool is(char const* a, char const* b) { return std::strcmp(a, b) == 0; }

template <class Heap> int run(Heap& heap, char const* fault) {
  bool known = false;
  auto const wanted = [&](char const* name) {
    bool const yes = is(fault, name);
    known = known || yes;
    return yes;
  };
  auto const take = [&](std::size_t bytes) {
    auto* const p = static_cast<byte*>(heap.allocate(bytes));
    for (std::size_t i = 0; i < bytes; ++i) p[i] = 2;
    return p;
  };
  auto const give = [&](byte* p, std::size_t bytes) { heap.deallocate(const_cast<unsigned char*>(p), bytes); };

  for (std::size_t const bytes : {std::size_t{44}, std::size_t{5000}, std::size_t{3000000}}) {
    char name[40];
    auto const of_size = [&](char const* what) {
      std::snprintf(name, sizeof name, "%s-%zu", what, bytes);
      return name;
    };
    byte* const p = take(bytes);
    the_fault_writes(p + bytes - 1);
    if (wanted(of_size("overflow"))) the_fault_writes(p + bytes);
    if (wanted(of_size("underrun"))) the_fault_writes(p - 1);
    the_fault_reads(p + 8);
    give(p, bytes);
    if (wanted(of_size("read-after-free"))) the_fault_reads(p + 8);
    if (wanted(of_size("write-after-free"))) the_fault_writes(p + 8);
    if (wanted(of_size("double-free"))) give(p, bytes);

    byte* const fresh = static_cast<byte*>(heap.allocate(bytes));
    if (wanted(of_size("uninitialised"))) the_fault_reads(fresh + 8);
    fresh[8] = 2;
    the_fault_reads(fresh + 8);
    heap.release();
    if (wanted(of_size("read-after-release"))) the_fault_reads(fresh + 8);
    byte* const next = take(bytes);
    give(next, bytes);
  }
  heap.release();
  (void)heap.trim();
  std::puts("done");
  return *fault != '\0' && !known ? 3 : 0;
}
}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return 2;
  char const* const fault = count > 2 ? arguments[2] : "";
  if (is(arguments[1], "thread_heap")) {
    zmm::thread_heap heap;
    return run(heap, fault);
  }
  if (is(arguments[1], "heap")) {
    zmm::heap heap;
    return run(heap, fault);
  }
  if (is(arguments[1], "request_heap")) {
    zmm::request_pool pool;
    zmm::request_heap heap(pool);
    return run(heap, fault);
  }
  if (is(arguments[1], "segment_heap")) {
    zmm::segment_heap heap;
    return run(heap, fault);
  }
  if (is(arguments[1], "synchronized_heap")) {
    zmm::synchronized_heap heap;
    return run(heap, fault);
  }
  return 2;
}
