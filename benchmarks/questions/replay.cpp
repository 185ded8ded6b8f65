// What does a whole request cost: 100, 1000 or 20,000 mixed small blocks through pmr, some of them freed, then
// everything released at once?
//
// replay/<what is freed>/<blocks>: the resource stays, and release() ends the request. std_monotonic has a buffer of 8 MiB
// that was touched before. oracle, oracle_link and oracle_lists know the addresses beforehand (subjects/oracle.hpp): the
// limits. oracle_bins knows nothing; it looks up a bin and moves a pointer.
// varied/<what is freed>/<blocks>: the same, but many traces take turns. Of a single short trace the processor learns which
// list is empty when; requests of a program are not all alike.
// cycle/<what is freed>/<blocks>: the resource itself is constructed and destroyed each time: zmm's from its warm pool,
// monotonic over the same buffer, mimalloc's heap by mi_heap_new and mi_heap_destroy.
//
// Every subject writes one word into each block, and the counter "faults" shows the page faults of a request.
#include "../subjects/all.hpp"
#include "../support/process.hpp"
#include "../support/trace.hpp"

namespace bench {
namespace {

template <class Subject> void* take(Subject& subject, std::size_t bytes) {
  void* p = subject.allocate(bytes, 8);
  keep(p);
  *static_cast<std::size_t*>(p) = bytes;
  return p;
}

// A separate loop for each way of freeing, so that no loop has to test for it.
template <class Subject>
void replay(Subject& subject, request_trace const& trace, freeing how, std::vector<void*>& live) {
  auto const& sizes = trace.sizes;
  if (how == freeing::nothing) {
    for (auto const bytes : sizes) take(subject, bytes);
  } else if (how == freeing::half_at_once) {
    for (std::size_t i = 0; i + 1 < sizes.size(); i += 2) {
      subject.deallocate(take(subject, sizes[i]), sizes[i], 8);
      take(subject, sizes[i + 1]);
    }
  } else {
    for (std::size_t i = 0; i + 1 < sizes.size(); i += 2) {
      live[i] = take(subject, sizes[i]);
      live[i + 1] = take(subject, sizes[i + 1]);
      auto const victim = trace.victims[i / 2];
      subject.deallocate(live[victim], sizes[victim], 8);
    }
  }
}

template <class Request>
void measure(benchmark::State& state, std::size_t blocks, freeing how, std::size_t different, Request request) {
  std::vector<request_trace> traces;
  for (std::size_t i = 0; i < different; ++i) traces.push_back(make_trace(blocks, how, i + 1));
  std::vector<void*> live(blocks);
  std::size_t turn = 0;
  auto const faults = minor_faults();
  for (auto _ : state) {
    request([&](auto& subject) { replay(subject, traces[turn], how, live); });
    turn = turn + 1 == different ? 0 : turn + 1;
  }
  state.counters["faults"] =
      benchmark::Counter(static_cast<double>(minor_faults() - faults), benchmark::Counter::kAvgIterations);
  count_operations(state, how == freeing::nothing ? blocks : blocks + blocks / 2);
}

template <class Oracle> void foretell(Oracle& oracle, std::size_t blocks, freeing how) {
  auto const trace = make_trace(blocks, how);
  std::vector<void*> live(blocks);
  oracle.own().subject().foretell([&](auto& recorded) { replay(recorded, trace, how, live); });
}

// The resources of `cycle`, constructed for every request.
struct new_zmm_request {
  static constexpr char const* name = "zmm_request";
  static bool available() { return true; }
  template <class Body> void operator()(Body body) {
    zmm_request_pmr request;
    body(request);
  }
};
struct new_monotonic {
  static constexpr char const* name = "std_monotonic";
  static bool available() { return true; }
  template <class Body> void operator()(Body body) {
    struct over_buffer : std::pmr::monotonic_buffer_resource {
      explicit over_buffer(ready_buffer& b) : std::pmr::monotonic_buffer_resource(b.data(), ready_buffer::bytes) {}
    };
    over_buffer own{buffer};
    body(*opaque<std::pmr::memory_resource>(&own));
  }
  ready_buffer buffer;
};
struct new_mimalloc_heap {
  static constexpr char const* name = "mimalloc";
  static bool available() { return mimalloc_heap::available(); }
  template <class Body> void operator()(Body body) {
    mimalloc_pmr request;
    body(request);
  }
};

}  // namespace

void register_question() {
  for (auto const how : {freeing::nothing, freeing::half_at_once, freeing::half_with_lag}) {
    for (std::size_t const blocks : {100u, 1000u, 20'000u}) {
      auto const arguments = std::string{name_of(how)} + "/" + std::to_string(blocks);
      for (std::size_t const different : {std::size_t{1}, 100'000 / blocks}) {
        for_each_present(request_subjects{}, [&](auto tag) {
          using S = typename decltype(tag)::type;
          add((different == 1 ? "replay/" : "varied/") + arguments, S::name, [=](benchmark::State& state) {
            S subject;
            measure(state, blocks, how, different, [&](auto body) {
              body(subject);
              subject.end();
            });
          });
        });
      }
      for_each_present(request_oracles{}, [&](auto tag) {
        using S = typename decltype(tag)::type;
        add("replay/" + arguments, S::name, [=](benchmark::State& state) {
          S subject;
          foretell(subject, blocks, how);
          measure(state, blocks, how, 1, [&](auto body) {
            body(subject);
            subject.end();
          });
        });
      });
      for_each_present(subjects<new_zmm_request, new_monotonic, new_mimalloc_heap>{}, [&](auto tag) {
        using S = typename decltype(tag)::type;
        add("cycle/" + arguments, S::name, [=](benchmark::State& state) { measure(state, blocks, how, 1, S{}); });
      });
    }
  }
}

}  // namespace bench
