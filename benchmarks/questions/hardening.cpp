// What does each level of hardening cost, and each option? Behind std::pmr, on heaps and on requests.
//
// hardening/half_at_once/<blocks>, hardening/half_with_lag/<blocks>: a request, as in the question replay.
// hardening/churn: replace one of 10,000 live blocks by another.
// hardening/nodes: push 1000 nodes of 24 bytes to a list; pop one after every second push.
#include <list>

#include "../subjects/all.hpp"
#include "../support/sizes.hpp"
#include "../support/trace.hpp"

namespace bench {
namespace {

constexpr char const* names[] = {"heap",          "links",   "checked",         "checked_tags",     "checked_canary",
                                 "hardened",      "wiped",   "paranoid",        "request",          "checked_request",
                                 "hardened_request", "paranoid_request"};

template <class Heap, int Row> struct with : behind_pmr<zmm::resource<Heap>, true> {
  static constexpr char const* name = names[Row];
};

struct tags : zmm::checked_options {
  [[maybe_unused]] static constexpr bool tag_blocks = true;
};
struct canary : tags {
  [[maybe_unused]] static constexpr bool tail_canary = true;
};
struct wiped : zmm::hardened_options {
  [[maybe_unused]] static constexpr bool zero_on_free = true;
};

using rows = subjects<with<zmm::heap, 0>, with<zmm::basic_heap<proven_links>, 1>, with<zmm::checked_heap, 2>,
                      with<zmm::basic_heap<tags>, 3>, with<zmm::basic_heap<canary>, 4>, with<zmm::hardened_heap, 5>,
                      with<zmm::basic_heap<wiped>, 6>, with<zmm::paranoid_heap, 7>, with<zmm::request_heap, 8>,
                      with<zmm::checked_request_heap, 9>, with<zmm::hardened_request_heap, 10>,
                      with<zmm::paranoid_request_heap, 11>>;

template <class Subject> void* take(Subject& subject, std::size_t bytes) {
  void* p = subject.allocate(bytes, 8);
  keep(p);
  *static_cast<std::size_t*>(p) = bytes;
  return p;
}

template <class Subject> void request(benchmark::State& state, std::size_t blocks, freeing how) {
  Subject subject;
  auto const trace = make_trace(blocks, how);
  auto const& sizes = trace.sizes;
  std::vector<void*> live(blocks);
  for (auto _ : state) {
    for (std::size_t i = 0; i + 1 < blocks; i += 2) {
      live[i] = take(subject, sizes[i]);
      if (how == freeing::half_at_once) subject.deallocate(live[i], sizes[i], 8);
      live[i + 1] = take(subject, sizes[i + 1]);
      if (how == freeing::half_at_once) continue;
      auto const victim = trace.victims[i / 2];
      subject.deallocate(live[victim], sizes[victim], 8);
    }
    subject.end();
  }
  count_operations(state, blocks + blocks / 2);
}

template <class Subject> void churn(benchmark::State& state) {
  struct block {
    void* address;
    std::size_t bytes;
  };
  Subject subject;
  random_source random{5};
  std::vector<block> live(10'000);
  for (auto& b : live) {
    b.bytes = mixed_small(random);
    b.address = take(subject, b.bytes);
  }
  struct step {
    std::uint32_t slot, bytes;
  };
  std::vector<step> steps(65'536);
  for (auto& s : steps) s = {static_cast<std::uint32_t>(random.between(0, live.size() - 1)), mixed_small(random)};
  std::size_t next = 0;
  for (auto _ : state) {
    auto const s = steps[next++ % steps.size()];
    auto& b = live[s.slot];
    subject.deallocate(b.address, b.bytes, 8);
    b = {take(subject, s.bytes), s.bytes};
  }
}

template <class Subject> void nodes(benchmark::State& state) {
  Subject subject;
  for (auto _ : state) {
    {
      std::pmr::list<std::size_t> queue{subject.resource()};
      for (std::size_t i = 0; i < 1000; ++i) {
        queue.push_back(i);
        if (i % 2) queue.pop_front();
      }
      auto* front = &queue.front();
      keep(front);
    }
    subject.end();
  }
  count_operations(state, 2000);
}

}  // namespace

void register_question() {
  for_each_present(rows{}, [](auto tag) {
    using S = typename decltype(tag)::type;
    for (auto const how : {freeing::half_at_once, freeing::half_with_lag}) {
      for (std::size_t const blocks : {100u, 1000u, 20'000u}) {
        add(std::string{"hardening/"} + name_of(how) + "/" + std::to_string(blocks), S::name,
            [=](benchmark::State& state) { request<S>(state, blocks, how); });
      }
    }
    add("hardening/churn", S::name, churn<S>);
    add("hardening/nodes", S::name, nodes<S>);
  });
}

}  // namespace bench
