// What does a step of a server cost if its threads take over each other's blocks?
//
// threads_server/larson/<direct|pmr>: two threads, 1000 live blocks each. A step frees a random block and allocates another.
// After 5000 steps the threads swap all their blocks, so a fifth of the frees are of the other's blocks. An iteration is 5000
// steps of each. Wall time.
// threads_server/new_thread/<direct|pmr>: a thread begins, allocates 200 blocks, frees 100 of its own and 100 of the thread
// before it, and ends. An iteration is one such thread. Wall time, with the beginning and end of the thread; "nothing"
// allocates nothing.
#include <array>

#include "../subjects/all.hpp"
#include "../support/crew.hpp"
#include "../support/sizes.hpp"

namespace bench {
namespace {

constexpr std::size_t live_blocks = 1000;
constexpr std::size_t batch = 5000;
constexpr std::size_t table_steps = 65'536;

struct step {
  std::uint32_t slot;
  std::uint32_t bytes;
};

std::vector<step> const& table() {
  static std::vector<step> const steps = [] {
    std::vector<step> result(table_steps);
    random_source random{31};
    for (auto& s : result) s = {static_cast<std::uint32_t>(random.between(0, live_blocks - 1)), mixed_small(random)};
    return result;
  }();
  return steps;
}

struct live_block {
  void* address;
  std::size_t bytes;
};

template <class Subject> live_block take(Subject& subject, std::size_t bytes) {
  live_block const b{subject.allocate(bytes, 8), bytes};
  *static_cast<std::size_t*>(b.address) = bytes;
  return b;
}

template <class Subject> void larson(benchmark::State& state) {
  Subject subject;
  auto const& steps = table();
  std::array<std::vector<live_block>, 2> held{std::vector<live_block>(live_blocks),
                                              std::vector<live_block>(live_blocks)};
  std::array<std::size_t, 2> next{0, table_steps / 2};
  std::size_t round = 0;
  crew threads{2};
  threads.run([&](std::size_t thread) {
    random_source random{thread};
    for (auto& b : held[thread]) b = take(subject, mixed_small(random));
  });
  auto const work = [&](std::size_t thread) {
    auto& mine = held[(thread + round) % 2];
    std::size_t at = next[thread];
    for (std::size_t i = 0; i < batch; ++i) {
      auto const s = steps[at++ % table_steps];
      auto& b = mine[s.slot];
      subject.deallocate(b.address, b.bytes, 8);
      b = take(subject, s.bytes);
      keep(b.address);
    }
    next[thread] = at;
  };
  for (auto _ : state) {
    state.SetIterationTime(threads.run(work));
    ++round;
  }
  count_operations(state, 2 * batch);
  for (auto& blocks : held)
    for (auto& b : blocks) subject.deallocate(b.address, b.bytes, 8);
}

template <class Subject> void new_thread(benchmark::State& state) {
  constexpr std::size_t kept = 100;
  Subject subject;
  auto const& steps = table();
  std::vector<live_block> left, mine;
  left.reserve(2 * kept), mine.reserve(2 * kept);
  std::size_t next = 0;
  for (auto _ : state) {
    std::thread{[&] {
      for (std::size_t i = 0; i < 2 * kept; ++i) mine.push_back(take(subject, steps[next++ % table_steps].bytes));
      for (std::size_t i = 0; i < kept; ++i) {
        subject.deallocate(mine.back().address, mine.back().bytes, 8);
        mine.pop_back();
      }
      for (auto& b : left) subject.deallocate(b.address, b.bytes, 8);
      left.clear();
      left.swap(mine);
    }}.join();
  }
  for (auto& b : left) subject.deallocate(b.address, b.bytes, 8);
}

// The cost of beginning and ending a thread alone.
void no_work(benchmark::State& state) {
  for (auto _ : state) std::thread{[] {}}.join();
}

template <class List> void register_for(List list, std::string const& face) {
  for_each_present(list, [&](auto tag) {
    using S = typename decltype(tag)::type;
    add("threads_server/larson/" + face, S::name, &larson<S>)->UseManualTime();
    add("threads_server/new_thread/" + face, S::name, &new_thread<S>)->UseRealTime();
  });
  add("threads_server/new_thread/" + face, "nothing", &no_work)->UseRealTime();
}

}  // namespace

void register_question() {
  register_for(direct_thread_subjects{}, "direct");
  register_for(pmr_thread_subjects{}, "pmr");
}

}  // namespace bench
