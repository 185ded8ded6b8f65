#include "unit.hpp"

#include <cstdio>
#include <vector>

int main() {
  bool fine = true;
  auto check = [&fine](bool holds, char const* rule) {
    if (!holds) std::printf("broken: %s\n", rule);
    fine = fine && holds;
  };
  check(plain::heaps_work() && fast::heaps_work(), "heaps work with exceptions");
  check(bare::heaps_work() && bare_slow::heaps_work(), "heaps work without exceptions");
  check(plain::default_pool() == fast::default_pool(), "-O, -std, NDEBUG and visibility do not split what is process-wide");
  check(bare::default_pool() == bare_slow::default_pool(), "nor do they without exceptions");
  check(plain::default_pool() != bare::default_pool(), "units with and without exceptions exchange no zmm object");

  for (std::pmr::memory_resource* lent : {plain::lend(), fast::lend(), bare::lend(), bare_slow::lend()}) {
    std::pmr::vector<int> numbers{lent};
    for (int i = 0; i < 10'000; ++i) numbers.push_back(i);
    check(numbers.back() == 9'999, "std::pmr is the bridge between them");
  }
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
