// The line that says what is wrong is written without malloc, which may be what is wrong, or a heap of zmm's itself.
#include <zmm/debug.hpp>
#include <zmm/zmm.hpp>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

namespace {
volatile bool is_counting = false;
volatile int calls = 0;
void note() noexcept {
  if (is_counting) calls = calls + 1;
}
}  // namespace

extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* p, std::size_t bytes);
void* malloc(std::size_t bytes) noexcept {
  note();
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) noexcept {
  note();
  return __libc_calloc(count, bytes);
}
void* realloc(void* p, std::size_t bytes) noexcept {
  note();
  return __libc_realloc(p, bytes);
}
}

namespace {
void at_abort(int) { ::_exit(calls == 0 ? 0 : 1); }

void free_twice() {
  zmm::heap heap;
  void* const p = heap.allocate(100000);
  heap.deallocate(p, 100000);
  is_counting = true;
  heap.deallocate(p, 100000);
}
void free_twice_in_a_debug_heap() {
  zmm::debug_heap heap;
  zmm::label const scope{
      "a label that is long enough for a line of more than one hundred characters to be made of it, all in all"};
  void* const p = heap.allocate(100);
  heap.deallocate(p, 100);
  is_counting = true;
  heap.deallocate(p, 100);
}
void say_too_much() {
  static char text[5000];
  std::memset(text, 'x', sizeof text - 1);
  is_counting = true;
  zmm::detail::stop({text, text, text});
}

// Returns: whether one line was said without malloc.
bool run(void (*work)()) {
  int ends[2];
  if (::pipe(ends) != 0) return false;
  pid_t const child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], 2);
    std::signal(SIGABRT, &at_abort);
    work();
    ::_exit(2);
  }
  ::close(ends[1]);
  char said[4096];
  std::size_t length = 0;
  for (ssize_t n; (n = ::read(ends[0], said + length, sizeof said - length)) > 0;)
    length += static_cast<std::size_t>(n);
  ::close(ends[0]);
  int status = 1;
  ::waitpid(child, &status, 0);
  bool const is_line =
      length > 5 && std::memcmp(said, "zmm: ", 5) == 0 && std::memchr(said, '\n', length) == said + length - 1;
  if (!is_line || status != 0) std::printf("broken: status %d, said %zu bytes\n", status, length);
  return is_line && status == 0;
}
}  // namespace

int main() {
  bool fine = run(free_twice);
  fine = run(free_twice_in_a_debug_heap) && fine;
  fine = run(say_too_much) && fine;
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
