// Compiled with -fno-exceptions -fno-rtti: no memory is null from try_allocate; where allocate would throw, the stop handler
// hears "out of memory" and the program aborts.
#include <zmm/zmm.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory_resource>
#include <vector>

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "this program is about -fno-exceptions -fno-rtti"
#endif

namespace {

bool fine = true;
void check(bool holds, char const* rule) {
  if (!holds) std::printf("broken: %s\n", rule);
  fine = fine && holds;
}

constexpr std::size_t limit = 4u << 20;
constexpr std::size_t too_much = 64u << 20;
std::size_t volatile odd = 3, everything = SIZE_MAX;  // volatile: the compiler is not to object to them

/// Storage that has nothing.
struct no_memory final : zmm::storage {
  void* allocate(std::size_t, std::size_t, std::size_t) override { return nullptr; }
  void deallocate(void*, std::size_t, std::size_t) noexcept override {}
};

int pipe_to_parent = -1;
void tell_parent(zmm::stop_info const& info) noexcept {
  [[maybe_unused]] auto written = write(pipe_to_parent, info.what, std::strlen(info.what));
}

/// Detected means: in a child process, the stop handler is called with "out of memory" and the child dies of SIGABRT.
template <class F> void stops_with_out_of_memory(char const* rule, F allocate) {
  int ends[2];
  if (pipe(ends) != 0) return check(false, "a pipe");
  std::fflush(stdout);
  pid_t const child = fork();
  if (child == 0) {
    close(ends[0]);
    pipe_to_parent = ends[1];
    zmm::set_stop_handler(&tell_parent);
    allocate();
    _exit(0);
  }
  close(ends[1]);
  char heard[64] = {};
  std::size_t length = 0;
  for (ssize_t got; length < sizeof heard - 1 && (got = read(ends[0], heard + length, sizeof heard - 1 - length)) > 0;)
    length += static_cast<std::size_t>(got);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, rule);
  check(std::strcmp(heard, "out of memory") == 0, rule);
}

template <class Heap> void null_or_stop(Heap& heap) {
  check(heap.set_limit(limit), "a limit is set");
  check(heap.try_allocate(too_much) == nullptr, "try_allocate past the limit is null");
  check(heap.try_allocate(everything) == nullptr, "try_allocate of SIZE_MAX is null");
  check(heap.try_allocate(8, odd) == nullptr, "an alignment that is no power of two is null");
  heap.verify();
  stops_with_out_of_memory("allocate past the limit stops", [&] { (void)heap.allocate(too_much); });
  stops_with_out_of_memory("allocate of SIZE_MAX stops", [&] { (void)heap.allocate(everything); });
  stops_with_out_of_memory("an alignment that is no power of two stops", [&] { (void)heap.allocate(8, odd); });

  void* p = heap.try_allocate(100);
  check(p != nullptr, "the heap is usable after failures");
  heap.deallocate(p, 100);
  heap.verify();
}

void emalloc_null_or_stop(zmm::heap& heap) {
  zmm::mm_heap mm{heap};
  zmm::use_heap scope{mm};
  auto* p = static_cast<unsigned char*>(zmm::emalloc(100));
  std::memset(p, 0x5c, 100);
  check(zmm::erealloc_recoverable(p, too_much) == nullptr, "erealloc_recoverable past the limit is null");
  for (std::size_t const bytes : {5000u, 300'000u, 100u, 40u}) {
    p = static_cast<unsigned char*>(zmm::erealloc_recoverable(p, bytes));
    check(p != nullptr && zmm::mem_block_size(p) >= bytes, "erealloc_recoverable grows and shrinks");
    for (int i = 0; i < 40; ++i) check(p[i] == 0x5c, "and keeps what was there");
  }
  zmm::efree(p);
  check(heap.stats().live_blocks == 0, "and leaves nothing behind");
  heap.verify();
  stops_with_out_of_memory("emalloc past the limit stops", [&] { (void)zmm::emalloc(too_much); });
  stops_with_out_of_memory("an overflow stops", [&] { (void)zmm::safe_emalloc(everything, 2, 0); });

  zmm::mm_heap nobody{zmm::custom_handlers{[](void*, std::size_t) -> void* { return nullptr; }, [](void*, void*) {},
                                           [](void*, void*, std::size_t) -> void* { return nullptr; }}};
  zmm::use_heap handlers{nobody};
  check(zmm::erealloc_recoverable(nullptr, 8) == nullptr, "a handler that has nothing is null");
  stops_with_out_of_memory("and stops", [] { (void)zmm::emalloc(8); });
  stops_with_out_of_memory("no current heap stops", [] { (void)zmm::allocator<int, zmm::heap>{}.allocate(1); });
}

}  // namespace

int main() {
  zmm::heap heap;
  null_or_stop(heap);
  zmm::heap_resource resource;
  null_or_stop(resource);
  zmm::request_resource request;
  null_or_stop(request);
  null_or_stop(request.heap());

  no_memory nothing;
  zmm::heap empty{nothing};
  check(empty.try_allocate(8) == nullptr, "try_allocate without storage is null");
  stops_with_out_of_memory("allocate without storage stops", [&] { (void)empty.allocate(8); });
  stops_with_out_of_memory("n * sizeof(T) past SIZE_MAX stops",
                           [&] { (void)zmm::allocator<int, zmm::heap>{heap}.allocate(everything / 2); });

  emalloc_null_or_stop(heap);

  {
    std::pmr::vector<int> numbers{&request};
    for (int i = 0; i < 1000; ++i) numbers.push_back(i);
    check(numbers.back() == 999, "containers work");
  }
  int ended = 0;
  request.on_end([&ended]() noexcept { ++ended; });
  request.release();
  check(ended == 1, "the end of the request runs what was registered");

  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
