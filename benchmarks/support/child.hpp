// Measures in a forked child, where the subject has not been used yet: a process can measure a first use only once.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <optional>

#include "process.hpp"

namespace bench {

struct first_use_cost {
  double seconds;
  long faults;
};

// Runs work() in a child, and returns its wall time and page faults; nothing if the child failed.
template <class Work> std::optional<first_use_cost> in_child(Work work) {
  int ends[2];
  if (pipe(ends) != 0) return std::nullopt;
  auto const child = fork();
  if (child == 0) {
    auto const faults = minor_faults();
    auto const start = std::chrono::steady_clock::now();
    work();
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - start;
    first_use_cost const cost{took.count(), minor_faults() - faults};
    _exit(write(ends[1], &cost, sizeof cost) == sizeof cost ? 0 : 1);
  }
  close(ends[1]);
  first_use_cost cost{};
  bool const complete = child > 0 && read(ends[0], &cost, sizeof cost) == sizeof cost;
  close(ends[0]);
  if (child > 0) waitpid(child, nullptr, 0);
  return complete ? std::optional{cost} : std::nullopt;
}

}  // namespace bench
