// A random walk of an engine; the seed decides whether there are limits and whether storage fails.
#pragma once
#include "checking_storage.hpp"
#include "counting_storage.hpp"
#include "engines.hpp"
#include "failing_storage.hpp"
#include "random_walk.hpp"

#include <cstddef>
#include <cstdint>

namespace zmm_test {

/// What happened in all walks, added up.
struct walk_counts {
  std::size_t failures = 0, hook_calls = 0, resizes = 0;
};

template <class Heap> void seeded_walk(std::uint64_t seed, std::size_t steps, walk_counts& met) {
  walk_options options;
  options.limits = seed % 2 != 0;
  options.storage_fails = seed / 2 % 2 != 0;
  CAPTURE(seed);
  checking_storage checked;
  failing_storage failing{checked};
  counting_storage counted{failing};
  if (options.storage_fails) failing.fail_one_in(3, seed);
  engine<Heap> under_test{counted};
  random_walk<Heap> path{under_test, counted, seed, options};
  path.run(steps);
  met.failures += path.failures();
  met.hook_calls += path.hook_calls();
  met.resizes += path.resizes();
}

}  // namespace zmm_test
