// What does the first use of an allocator cost, compared with the same work when it is warm?
//
// first_use/cold/<blocks>: in a child process that has not used the subject yet: construct it, allocate that many mixed
// small blocks, write one word into each. The time includes page faults; the counter "faults" says how many.
// first_use/warm/<blocks>: the same blocks in a subject whose previous blocks were freed.
#include "../subjects/all.hpp"
#include "../support/child.hpp"
#include "../support/trace.hpp"

namespace bench {
namespace {

using first_use_subjects = subjects<zmm_heap_pmr, zmm_request_pmr, new_delete_pmr, std_pool, boost_pool, mimalloc_pmr,
                                    jemalloc_pmr, tcmalloc_pmr, php_pmr, apr_pmr>;

template <class Subject> void fill(Subject& subject, request_trace const& trace, std::vector<void*>& live) {
  for (std::size_t i = 0; i < trace.sizes.size(); ++i) {
    live[i] = subject.allocate(trace.sizes[i], 8);
    keep(live[i]);
    *static_cast<std::size_t*>(live[i]) = i;
  }
}

template <class Subject> void cold(benchmark::State& state, std::size_t blocks) {
  auto const trace = make_trace(blocks, freeing::nothing);
  std::vector<void*> live(blocks);
  double faults = 0;
  for (auto _ : state) {
    auto const cost = in_child([&] {
      auto* subject = new Subject;  // not destroyed, as that is no part of first use: the child just exits
      fill(*subject, trace, live);
    });
    if (!cost) return state.SkipWithError("the child failed");
    state.SetIterationTime(cost->seconds);
    faults += static_cast<double>(cost->faults);
  }
  state.counters["faults"] = benchmark::Counter(faults, benchmark::Counter::kAvgIterations);
}

template <class Subject> void warm(benchmark::State& state, std::size_t blocks) {
  auto const trace = make_trace(blocks, freeing::nothing);
  std::vector<void*> live(blocks);
  Subject subject;
  for (auto _ : state) {
    fill(subject, trace, live);
    state.PauseTiming();
    for (std::size_t i = 0; i < blocks; ++i) subject.deallocate(live[i], trace.sizes[i], 8);
    end_if_it_can(subject);
    state.ResumeTiming();
  }
}

}  // namespace

void register_question() {
  for (std::size_t const blocks : {10u, 1000u, 20'000u}) {
    for_each_present(first_use_subjects{}, [&](auto tag) {
      using S = typename decltype(tag)::type;
      add("first_use/cold/" + std::to_string(blocks), S::name, [=](benchmark::State& state) { cold<S>(state, blocks); })
          ->UseManualTime()
          ->Iterations(20);
      add("first_use/warm/" + std::to_string(blocks), S::name,
          [=](benchmark::State& state) { warm<S>(state, blocks); });
    });
  }
}

}  // namespace bench
