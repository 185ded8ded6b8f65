// Request traces, computed before anything is timed.
//
// A request is a sequence of steps. Each step allocates two blocks of mixed small sizes, writes one word into each, and
// frees one block or none. So the loop that replays it has no branch that depends on data, and costs every subject the
// same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "random.hpp"
#include "sizes.hpp"

namespace bench {

enum class freeing { nothing, half_at_once, half_with_lag };

inline char const* name_of(freeing how) noexcept {
  switch (how) {
  case freeing::nothing: return "nothing_freed";
  case freeing::half_at_once: return "half_at_once";
  case freeing::half_with_lag: return "half_with_lag";
  }
  return "";
}

struct request_trace {
  std::vector<std::uint32_t> sizes;    // one for each block
  std::vector<std::uint32_t> victims;  // one for each step, in half_with_lag: the block freed after the step's two allocations
};

// The victim of a step is drawn from the blocks that were allocated 1 … 200 allocations ago and are still live.
inline request_trace make_trace(std::size_t blocks, freeing how, std::uint64_t seed = 1) {
  constexpr std::size_t longest_lag = 200;
  random_source random{seed};
  request_trace trace;
  for (std::size_t i = 0; i < blocks; ++i) trace.sizes.push_back(mixed_small(random));
  if (how != freeing::half_with_lag) return trace;
  std::vector<bool> freed(blocks, false);
  std::vector<std::uint32_t> candidates;
  for (std::size_t step = 0; step < blocks / 2; ++step) {
    std::size_t const newest = 2 * step + 1;
    candidates.clear();
    for (std::size_t lag = 1; lag <= longest_lag && lag <= newest; ++lag) {
      if (!freed[newest - lag]) candidates.push_back(static_cast<std::uint32_t>(newest - lag));
    }
    auto const victim = candidates[random.between(0, candidates.size() - 1)];
    freed[victim] = true;
    trace.victims.push_back(victim);
  }
  return trace;
}

}  // namespace bench
