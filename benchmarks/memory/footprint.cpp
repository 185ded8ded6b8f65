// How much memory does an allocator hold for its live blocks?
//
// memory/footprint <trace> <subject>: each subject runs in its own process; prints one JSON object for each phase, without
// arguments the names.
//
// Churns have five phases, each with its own size mix (one mix in "steady"). A phase fills up to 48 MiB live, replaces
// random blocks 200,000 times ("full"), then frees random blocks down to 8 MiB ("down"). Each is measured after the
// subject's own collect and trim, "down" also before ("kept"). lognormal: the mix of support/sizes.hpp in every phase.
// near_1k: 40,000 blocks of 1040 … 1088 bytes, and nothing else. steady_64: 64 MiB of the lognormal mix, 2,000,000 random
// blocks replaced, without a trim.
//
// Every byte of a block is written. "resident" is the growth of the process since before the first allocation. With a
// third argument nothing is trimmed, for a subject that crashes then.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "../subjects/all.hpp"
#include "../support/process.hpp"
#include "../support/random.hpp"
#include "../support/sizes.hpp"
#include "../support/thread_locals.hpp"

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

struct block {
  void* address;
  std::size_t bytes;
};

struct size_mix {
  std::size_t first, last;
  std::size_t pick(bench::random_source& random) const noexcept {
    return last == 0 ? bench::lognormal(random) : random.between(first, last);
  }
};
constexpr size_mix lognormal_mix{0, 0};
struct churn_trace {
  char const* name;
  size_mix mixes[5];
};
constexpr churn_trace churns[] = {
    {"changing", {{16, 128}, {200, 900}, {24, 2048}, {8, 64}, {1500, 20'000}}},
    {"rising", {{8, 64}, {48, 256}, {200, 900}, {600, 3000}, {1500, 20'000}}},
    {"falling", {{1500, 20'000}, {600, 3000}, {200, 900}, {48, 256}, {8, 64}}},
    {"steady", {{16, 512}, {16, 512}, {16, 512}, {16, 512}, {16, 512}}},
    {"lognormal", {lognormal_mix, lognormal_mix, lognormal_mix, lognormal_mix, lognormal_mix}},
};

template <class Subject> class footprint {
public:
  explicit footprint(char const* trace) : trace_{trace}, blocks_(std::size_t{2} << 20) {
    std::memset(static_cast<void*>(blocks_.data()), 1, blocks_.size() * sizeof(block));  // resident before, not during
    start_ = bench::anonymous_bytes();
  }

  void churn(churn_trace const& trace, bool trims) {
    int phase = 0;
    for (auto const& mix : trace.mixes) {
      ++phase;
      for (int i = 0; i < 200'000; ++i) {
        while (live_ < 48 * mib) add(mix);
        remove(random_.between(0, count_ - 1));
      }
      note_peak();
      if (trims) subject_.trim();
      report(phase, "full");
      while (live_ > 8 * mib) remove(random_.between(0, count_ - 1));
      report(phase, "kept");
      if (trims) subject_.trim();
      report(phase, "down");
    }
  }

  void near_1k() {
    for (int i = 0; i < 40'000; ++i) add({1040, 1088});
    report(1, "full");
  }

  void steady_64() {
    for (int i = 0; i < 2'000'000; ++i) {
      while (live_ < 64 * mib) add(lognormal_mix);
      remove(random_.between(0, count_ - 1));
    }
    report(1, "full");
  }

private:
  void add(size_mix mix) {
    auto const bytes = mix.pick(random_);
    void* const p = subject_.allocate(bytes, 8);
    std::memset(p, 1, bytes);
    blocks_[count_++] = {p, bytes};
    live_ += bytes;
    peak_live_ = std::max(peak_live_, live_);
  }
  void remove(std::size_t i) {
    subject_.deallocate(blocks_[i].address, blocks_[i].bytes, 8);
    live_ -= blocks_[i].bytes;
    blocks_[i] = blocks_[--count_];
  }
  std::size_t note_peak() {
    auto const resident = bench::anonymous_bytes() - start_;
    peak_resident_ = std::max(peak_resident_, resident);
    return resident;
  }
  void report(int phase, char const* when) {
    auto const resident = note_peak();
    std::printf("{\"trace\": \"%s\", \"subject\": \"%s\", \"phase\": %d, \"when\": \"%s\", \"live\": %zu, "
                "\"resident\": %zu, \"peak_live\": %zu, \"peak_resident\": %zu}\n",
                trace_, Subject::name, phase, when, live_, resident, peak_live_, peak_resident_);
    std::fflush(stdout);  // the next step may crash
  }

  char const* trace_;
  Subject subject_;
  bench::random_source random_{17};
  std::vector<block> blocks_;
  std::size_t count_ = 0, live_ = 0, peak_live_ = 0, peak_resident_ = 0, start_ = 0;
};

using memory_subjects = bench::subjects<bench::zmm_heap, bench::zmm_request, bench::zmm_segment, bench::new_delete, bench::mimalloc_heap,
                                        bench::jemalloc, bench::tcmalloc, bench::php_emalloc>;

}  // namespace

int main(int argc, char** argv) {
  bench::make_room_for_thread_locals(argv);
  bool done = false;
  bench::for_each_present(memory_subjects{}, [&](auto tag) {
    using S = typename decltype(tag)::type;
    if (argc < 3) return static_cast<void>(std::puts(S::name));
    if (std::strcmp(argv[2], S::name) != 0) return;
    footprint<S> measured{argv[1]};
    done = std::strcmp(argv[1], "near_1k") == 0;
    if (done) measured.near_1k();
    if (std::strcmp(argv[1], "steady_64") == 0) {
      measured.steady_64();
      done = true;
    }
    for (auto const& trace : churns) {
      if (std::strcmp(argv[1], trace.name) != 0) continue;
      measured.churn(trace, argc == 3);
      done = true;
    }
  });
  return argc < 3 || done ? 0 : 1;
}
