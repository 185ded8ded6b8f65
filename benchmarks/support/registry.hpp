// How a question registers one benchmark for each subject. Names are question/arguments…/subject; compare groups them by
// all but the last part.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdio>
#include <set>
#include <string>
#include <utility>

namespace bench {

template <class... Subjects> struct subjects {};

template <class Subject> struct subject_tag { using type = Subject; };

// Calls body(subject_tag<S>{}) for every subject that is on this machine; says once which ones are not.
template <class Body, class... Subjects> void for_each_present(subjects<Subjects...>, Body&& body) {
  static std::set<std::string> reported;
  auto const one = [&](auto tag) {
    using S = typename decltype(tag)::type;
    if (S::available()) {
      body(tag);
    } else if (reported.insert(S::name).second) {
      std::fprintf(stderr, "skipped: %s (not on this machine)\n", S::name);
    }
  };
  (one(subject_tag<Subjects>{}), ...);
}

template <class Body> benchmark::internal::Benchmark* add(std::string const& question, char const* subject, Body body) {
  return benchmark::RegisterBenchmark((question + "/" + subject).c_str(), std::move(body));
}

// Reports "ns per operation" for questions whose iteration is more than one operation.
inline void count_operations(benchmark::State& state, std::size_t per_iteration) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(per_iteration));
}

}  // namespace bench
