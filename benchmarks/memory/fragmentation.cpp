// How many more chunks does a heap need because it looks at one chunk only, and not at every gap of all?
//
// memory/fragmentation: prints, for each trace of page runs, the mean and the peak of the chunks that hold a live run: in
// zmm's heaps, in plain best fit over all chunks, and with PHP's rule (the first chunk with a gap, the smallest gap in it).
// This only counts: nothing is touched and nothing is timed.
#include <algorithm>
#include <cstdio>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include <zmm/zmm.hpp>

#include "../../tests/support/plain_best_fit.hpp"
#include "../support/random.hpp"

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t usable = 511;

// Live pages swing between the two totals; a phase has its own sizes.
struct phase {
  std::size_t smallest, largest;  // pages of a run
  std::size_t pages;              // live at its end
};
struct trace {
  char const* name;
  std::vector<phase> phases;
};

std::vector<trace> const& traces() {
  static std::vector<trace> const all = {
      {"runs_1_to_8", {{1, 8, 40 * usable}, {1, 8, 10 * usable}, {1, 8, 40 * usable}, {1, 8, 5 * usable}}},
      {"runs_1_to_64", {{1, 64, 40 * usable}, {1, 64, 10 * usable}, {1, 64, 40 * usable}, {1, 64, 5 * usable}}},
      {"runs_1_to_255", {{1, 255, 40 * usable}, {1, 255, 10 * usable}, {1, 255, 40 * usable}, {1, 255, 5 * usable}}},
      {"growing_runs", {{1, 4, 30 * usable}, {3, 16, 30 * usable}, {12, 48, 30 * usable}, {40, 200, 30 * usable}}},
      {"shrinking_runs", {{40, 200, 30 * usable}, {12, 48, 30 * usable}, {3, 16, 30 * usable}, {1, 4, 30 * usable}}},
  };
  return all;
}

// Runs of any length are blocks of pages; by default those of up to 32 KiB are slots.
struct original_slots : zmm::default_options {
  static constexpr std::size_t largest_slot = 3072;
};

template <class Heap> class zmm_pages {
public:
  static constexpr char const* name = std::is_same_v<Heap, zmm::heap> ? "zmm_heap" : "zmm_heap_original_slots";
  void* take(std::size_t count) {
    void* const p = heap_.allocate(count * page, 8);
    if (used_[chunk_of(p)]++ == 0) ++held_;
    return p;
  }
  void give(void* p, std::size_t count) {
    heap_.deallocate(p, count * page, 8);
    if (--used_[chunk_of(p)] == 0) --held_;
  }
  std::size_t held() const { return held_; }

private:
  static std::uintptr_t chunk_of(void* p) { return reinterpret_cast<std::uintptr_t>(p) >> 21; }
  Heap heap_;
  std::unordered_map<std::uintptr_t, std::size_t> used_;
  std::size_t held_ = 0;
};

template <bool everywhere> class model_pages {
public:
  static constexpr char const* name = everywhere ? "best_fit_of_all" : "first_chunk_best_fit";
  using run = zmm_test::page_run;
  run take(std::size_t count) { return model_.take(count); }
  void give(run const& r, std::size_t) { model_.give(r); }
  std::size_t held() const { return model_.held(); }

private:
  zmm_test::plain_best_fit<512, 1> model_{everywhere};
};

template <class Pages> void measure(trace const& t) {
  struct live_run {
    decltype(std::declval<Pages>().take(1)) place;
    std::size_t count;
  };
  constexpr std::size_t replacements = 10'000;
  Pages pages;
  bench::random_source random{18};
  std::vector<live_run> live;
  std::size_t total = 0, samples = 0, peak = 0;
  double sum = 0, needed = 0;
  auto const add = [&](phase const& p) {
    auto const count = random.between(p.smallest, p.largest);
    live.push_back({pages.take(count), count});
    total += count;
  };
  auto const remove = [&] {
    auto& victim = live[random.between(0, live.size() - 1)];
    pages.give(victim.place, victim.count);
    total -= victim.count;
    victim = live.back();
    live.pop_back();
  };
  auto const sample = [&] {
    ++samples;
    sum += static_cast<double>(pages.held());
    needed += static_cast<double>(total) / usable;
    peak = std::max(peak, pages.held());
  };
  for (auto const& p : t.phases) {
    while (total > p.pages) remove(), sample();
    for (std::size_t i = 0; i < replacements; ++i) {
      while (total < p.pages) add(p);
      remove();
      sample();
    }
  }
  std::printf("{\"trace\": \"%s\", \"subject\": \"%s\", \"mean\": %.3f, \"peak\": %zu, \"pages_needed\": %.3f}\n",
              t.name, Pages::name, sum / static_cast<double>(samples), peak, needed / static_cast<double>(samples));
}

}  // namespace

int main() {
  for (auto const& t : traces()) {
    measure<zmm_pages<zmm::basic_heap<original_slots>>>(t);
    measure<zmm_pages<zmm::heap>>(t);
    measure<model_pages<true>>(t);
    measure<model_pages<false>>(t);
  }
}
