// Misuse and broken invariants call the stop handler and end the program, so such tests run in a child process. Its stop
// handler sends its argument to the parent through a pipe.
#pragma once
#include <zmm/errors.hpp>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cstdio>
#include <cstring>
#include <string>

namespace zmm_test {

struct child_result {
  bool stopped = false;   // the stop handler was called
  bool aborted = false;   // the child ended by SIGABRT
  bool finished = false;  // the child's work came to its end
  std::string what;       // stop_info::what
  std::string block;      // "BYTES FILE:LINE LABEL", as far as stop_info has them; the file without its folders
};

namespace detail {
inline int& stop_pipe() {
  static int descriptor = -1;
  return descriptor;
}
inline void report_stop(zmm::stop_info const& info) noexcept {
  char const* file = info.file != nullptr ? std::strrchr(info.file, '/') : nullptr;
  file = file != nullptr ? file + 1 : info.file;
  char text[512];
  int const length =
      std::snprintf(text, sizeof text, "%s\n%zu %s:%u %s", info.what != nullptr ? info.what : "", info.block_bytes,
                    file != nullptr ? file : "?", info.line, info.label != nullptr ? info.label : "-");
  if (::write(stop_pipe(), text, static_cast<std::size_t>(length)) < 0) ::_exit(3);
}
}  // namespace detail

// Runs `work` in a forked child with a recording stop handler. Call it with no other thread running.
template <class Work> child_result run_in_child(Work&& work) {
  int ends[2];
  child_result result;
  if (::pipe(ends) != 0) return result;
  pid_t const child = ::fork();
  if (child < 0) return result;
  if (child == 0) {
    ::close(ends[0]);
    detail::stop_pipe() = ends[1];
    zmm::set_stop_handler(&detail::report_stop);
    // SIGABRT must end the child itself: doctest's handler would report the parent's test as failed.
    ::signal(SIGABRT, SIG_DFL);
    work();
    ::_exit(0);
  }
  ::close(ends[1]);
  char text[256];
  for (ssize_t n; (n = ::read(ends[0], text, sizeof text)) > 0;) result.what.append(text, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  result.stopped = !result.what.empty();
  if (std::size_t const end = result.what.find('\n'); end != std::string::npos) {
    result.block = result.what.substr(end + 1);
    result.what.resize(end);
  }
  result.aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  result.finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return result;
}

// The rule that the child is stopped for, in which `misuse(heap)` runs; "went on" if it is not.
template <class Heap, class Misuse> std::string stop_of(Misuse misuse) {
  child_result const result = run_in_child([&] {
    Heap heap;
    misuse(heap);
  });
  return result.stopped ? result.what : "went on";
}

}  // namespace zmm_test
