// How long does the slowest of many calls take?
//
// latency/slowest_calls [CALLS]: 10,000,000 random allocations and frees, each timed alone. Prints a histogram, one line for
// each power of two of nanoseconds, and the slowest. The same calls are made in three heaps, one after the other, and the
// shortest of a call's three times counts: an interruption by the machine hits different calls each time. Calls that reach
// storage are counted separately. Every figure includes the time of reading the clock, which is printed, too.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <zmm/zmm.hpp>

#include "../../tests/support/counting_storage.hpp"
#include "../support/keep.hpp"
#include "../support/random.hpp"

namespace {

using std::size_t;
using clock_type = std::chrono::steady_clock;

std::uint32_t since(clock_type::time_point begin) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(clock_type::now() - begin).count());
}

struct step {
  std::uint32_t slot, bytes;  // bytes 0: frees the slot's block
};

// Up to 20,000 live blocks, mostly of up to 600 bytes, one in twenty of up to 60,000.
std::vector<step> make_steps(size_t count) {
  bench::random_source random{21};
  std::vector<step> steps(count);
  std::vector<std::uint32_t> live, unused(20'000);
  for (size_t i = 0; i < unused.size(); ++i) unused[i] = static_cast<std::uint32_t>(i);
  for (step& s : steps) {
    if (!unused.empty() && (live.empty() || random.between(0, 19'999) > live.size())) {
      size_t const bytes = random.between(0, 19) == 0 ? random.between(1, 60'000) : random.between(1, 600);
      s = {unused.back(), static_cast<std::uint32_t>(bytes)};
      unused.pop_back();
      live.push_back(s.slot);
    } else {
      size_t const at = random.between(0, live.size() - 1);
      s = {live[at], 0};
      unused.push_back(live[at]);
      live[at] = live.back();
      live.pop_back();
    }
  }
  return steps;
}

// Replaces times in `times` by shorter ones; notes in `asked` which calls reached storage.
template <class Heap>
void run(std::vector<step> const& steps, std::vector<std::uint32_t>& times, std::vector<bool>& asked) {
  struct block {
    void* p;
    std::uint32_t bytes;
  };
  zmm_test::counting_storage source;
  Heap heap{source};
  std::vector<block> slots(20'000);
  auto const calls = [&] { return source.takings() + source.deallocations + source.truncations + source.purges; };
  size_t before = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    step const s = steps[i];
    block& b = slots[s.slot];
    auto const begin = clock_type::now();
    if (s.bytes != 0) {
      b = {heap.allocate(s.bytes), s.bytes};
      bench::keep(b.p);
    } else {
      heap.deallocate(b.p, b.bytes);
    }
    times[i] = std::min(times[i], since(begin));
    if (size_t const now = calls(); now != before) {
      asked[i] = true;
      before = now;
    }
    if (s.bytes != 0) *static_cast<char*>(b.p) = 1;  // not timed: the first touch of a page is the system's time
  }
}

template <class Heap> void measure(char const* name, std::vector<step> const& steps) {
  std::vector<std::uint32_t> times(steps.size(), ~std::uint32_t{0});
  std::vector<bool> asked(steps.size());
  for (int i = 0; i < 3; ++i) run<Heap>(steps, times, asked);
  size_t counts[33] = {}, with_storage = 0;
  std::uint32_t slowest = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    if (asked[i]) {
      ++with_storage;
      continue;
    }
    slowest = std::max(slowest, times[i]);
    int power = 0;
    while (power < 32 && (std::uint64_t{1} << power) <= times[i]) ++power;
    ++counts[power];
  }
  std::printf("%s: %zu calls, %zu of them asked storage; of the others the slowest took %u ns\n", name, steps.size(),
              with_storage, slowest);
  for (int power = 0; power < 33; ++power)
    if (counts[power] != 0) std::printf("  under %10llu ns  %10zu\n", 1ULL << power, counts[power]);
}

}  // namespace

int main(int argc, char** argv) {
  auto const steps = make_steps(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10'000'000);
  std::uint32_t least = ~std::uint32_t{0};
  for (int i = 0; i < 1000; ++i) least = std::min(least, since(clock_type::now()));
  std::printf("the clock takes %u ns\n", least);
  measure<zmm::segment_heap>("segment_heap", steps);
  measure<zmm::hardened_segment_heap>("hardened_segment_heap", steps);
  measure<zmm::heap>("heap", steps);
}
