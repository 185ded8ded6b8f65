// For tests that end a process, limit it or use up its mappings: they run in a child process.
#pragma once
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cstddef>
#include <cstdio>

namespace zmm_test {

// A child's failed checks, printed on stderr and counted: doctest's checks work only in the parent.
class findings {
public:
  void that(bool holds, char const* what) {
    if (holds) return;
    ++failed_;
    std::fprintf(stderr, "in the child: not so: %s\n", what);
  }
  int status() const { return failed_ == 0 ? 0 : 1; }

private:
  int failed_ = 0;
};

// Runs body(findings&) in a child. Returns whether the child ended by itself and no check failed. An exception that leaves the body
// ends the child: it must not run the parent's other tests.
template <class Body> bool holds_in_child(Body body) {
  pid_t const child = ::fork();
  if (child == 0) {
    ::alarm(100);
    findings found;
    try {
      body(found);
    } catch (...) {
      found.that(false, "nothing is thrown");
    }
    ::_exit(found.status());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) std::fprintf(stderr, "the child was ended by signal %d\n", WTERMSIG(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// The n-th number of /proc/self/statm, in bytes: 0 mapped, 1 resident, 5 data and stack.
inline std::size_t statm(int n) {
  unsigned long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    for (int i = 0; i <= n; ++i)
      if (std::fscanf(file, "%lu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return pages * static_cast<std::size_t>(::getpagesize());
}
inline std::size_t mapped_bytes() { return statm(0); }
inline std::size_t data_bytes() { return statm(5); }  ///< private and writable memory, which RLIMIT_DATA limits, and the stack
inline std::size_t resident_bytes() { return statm(1); }

// While it lives, the process has as many mappings as it may, so that none can be split.
class no_mappings_left {
public:
  no_mappings_left() {
    area_ = static_cast<char*>(::mmap(nullptr, bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (area_ == MAP_FAILED) return;
    for (std::size_t i = 1; i < most; i += 2)
      if (::mprotect(area_ + i * page(), page(), PROT_READ) != 0) {
        is_so_ = true;
        break;
      }
  }
  ~no_mappings_left() { end(); }
  no_mappings_left(no_mappings_left const&) = delete;
  no_mappings_left& operator=(no_mappings_left const&) = delete;

  bool is_so() const { return is_so_; }  // false where the system allows more than a test can make
  void end() {
    if (area_ != MAP_FAILED) ::munmap(area_, bytes());
    area_ = static_cast<char*>(MAP_FAILED);
  }

private:
  static constexpr std::size_t most = 140000;
  static std::size_t page() { return static_cast<std::size_t>(::getpagesize()); }
  static std::size_t bytes() { return most * page(); }

  char* area_;
  bool is_so_ = false;
};

// Returns: whether the system took the limit.
inline bool limit_to(int what, std::size_t bytes) {
  rlimit const limit{bytes, bytes};
  return ::setrlimit(static_cast<decltype(RLIMIT_AS)>(what), &limit) == 0;
}

}  // namespace zmm_test
