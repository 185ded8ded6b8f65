// What the kernel says about this process.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <fstream>
#include <string>

namespace bench {

// One field, in KiB, of a /proc/self file with lines like "Field:   123 kB"; 0 if it is not there.
inline std::size_t proc_kib(char const* file, std::string const& field) {
  std::ifstream in{file};
  for (std::string word; in >> word;) {
    std::size_t value = 0;
    if (word == field + ":" && in >> value) return value;
  }
  return 0;
}

// smaps_rollup and not statm: statm lags by per-thread counters of up to 64 pages.
inline std::size_t resident_bytes() { return proc_kib("/proc/self/smaps_rollup", "Rss") * 1024; }
// Without pages of files: loading code that runs for the first time is not the allocator's cost.
inline std::size_t anonymous_bytes() { return proc_kib("/proc/self/smaps_rollup", "Anonymous") * 1024; }
inline std::size_t huge_page_bytes() { return proc_kib("/proc/self/smaps_rollup", "AnonHugePages") * 1024; }
inline std::size_t peak_resident_bytes() { return proc_kib("/proc/self/status", "VmHWM") * 1024; }

inline std::size_t mapping_count() {
  std::ifstream in{"/proc/self/maps"};
  std::size_t count = 0;
  for (std::string line; std::getline(in, line);) ++count;
  return count;
}

inline long minor_faults() noexcept {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

// The first line of a small file, empty when it cannot be read.
inline std::string first_line(char const* file) {
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace bench
