// What does it cost if one thread allocates a block and another frees it?
//
// threads_exchange/slots/<direct|pmr>/<sizes>: two threads put blocks into random ones of 4096 shared slots, and free the
// blocks that were there, half of them the other thread's. An iteration is 20,000 exchanges of each.
// threads_exchange/pipe/<direct|pmr>/<sizes>: one allocates and sends, the other receives and frees; 20,000 blocks.
// threads_exchange/batch/<direct|pmr>/<sizes>: one allocates 1000 blocks, then the other frees them; 20 times.
//
// Wall time. The thread that allocates a block writes its first word, and the one that frees it reads it.
#include <atomic>
#include <array>
#include <memory>

#include "../subjects/all.hpp"
#include "../support/pipe.hpp"
#include "../support/sizes.hpp"

namespace bench {
namespace {

constexpr std::size_t blocks = 20'000;
constexpr std::size_t slot_count = 4096;
constexpr std::size_t table_steps = 65'536;

struct step {
  std::uint32_t slot;
  std::uint32_t bytes;
};

std::vector<step> const& table(bool mixed) {
  static std::array<std::vector<step>, 2> const tables = [] {
    std::array<std::vector<step>, 2> result{std::vector<step>(table_steps), std::vector<step>(table_steps)};
    random_source random{21};
    for (std::size_t i = 0; i < 2; ++i)
      for (auto& s : result[i])
        s = {static_cast<std::uint32_t>(random.between(0, slot_count - 1)), i == 1 ? mixed_small(random) : 64};
    return result;
  }();
  return tables[mixed];
}

template <class Subject> void* take(Subject& subject, std::size_t bytes) {
  void* p = subject.allocate(bytes, 8);
  keep(p);
  *static_cast<std::size_t*>(p) = bytes;
  return p;
}
template <class Subject> void drop(Subject& subject, void* p) {
  subject.deallocate(p, *static_cast<std::size_t*>(p), 8);
}

template <class Subject> void slots(benchmark::State& state, bool mixed) {
  struct shared_slots {
    std::array<std::atomic<void*>, slot_count> at{};
  };
  Subject subject;
  auto const shared = std::make_unique<shared_slots>();
  auto const& steps = table(mixed);
  std::array<std::size_t, 2> next{0, table_steps / 2};
  crew threads{2};
  auto const work = [&](std::size_t thread) {
    std::size_t at = next[thread];
    for (std::size_t i = 0; i < blocks; ++i) {
      auto const s = steps[at++ % table_steps];
      void* const old = shared->at[s.slot].exchange(take(subject, s.bytes), std::memory_order_acq_rel);
      if (old) drop(subject, old);
    }
    next[thread] = at;
  };
  threads.run(work);
  for (auto _ : state) state.SetIterationTime(threads.run(work));
  count_operations(state, 2 * blocks);
  for (auto& s : shared->at)
    if (void* const p = s.load()) drop(subject, p);
}

template <class Subject> void through_pipe(benchmark::State& state, bool mixed) {
  Subject subject;
  auto const line = std::make_unique<pipe>();
  auto const& steps = table(mixed);
  std::size_t next = 0;
  crew threads{2};
  auto const work = [&](std::size_t thread) {
    if (thread == 0) {
      for (std::size_t i = 0; i < blocks; ++i) line->send(take(subject, steps[next++ % table_steps].bytes));
      line->show();
    } else {
      for (std::size_t i = 0; i < blocks; ++i) drop(subject, line->receive());
    }
  };
  threads.run(work);
  for (auto _ : state) state.SetIterationTime(threads.run(work));
  count_operations(state, blocks);
}

template <class Subject> void batches(benchmark::State& state, bool mixed) {
  constexpr std::size_t batch = 1000, rounds = 20;
  Subject subject;
  auto const& steps = table(mixed);
  std::vector<void*> held(batch);
  alignas(64) std::atomic<std::size_t> turn{0};
  std::size_t next = 0;
  crew threads{2};
  auto const work = [&](std::size_t thread) {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (patience p; turn.load(std::memory_order_acquire) != 2 * round + thread;) p.wait();
      for (auto& p : held) {
        if (thread == 0) p = take(subject, steps[next++ % table_steps].bytes);
        else drop(subject, p);
      }
      turn.store(2 * round + thread + 1, std::memory_order_release);
    }
  };
  threads.run(work);
  for (auto _ : state) {
    turn = 0;
    state.SetIterationTime(threads.run(work));
  }
  count_operations(state, rounds * batch);
}

template <class List> void register_for(List list, char const* face) {
  for (bool const mixed : {false, true}) {
    auto const arguments = std::string{face} + (mixed ? "/mixed" : "/64");
    for_each_present(list, [&](auto tag) {
      using S = typename decltype(tag)::type;
      auto const with = [&](char const* question, void (*body)(benchmark::State&, bool)) {
        add("threads_exchange/" + std::string{question} + "/" + arguments, S::name, [=](benchmark::State& state) {
          body(state, mixed);
        })->UseManualTime();
      };
      with("slots", &slots<S>);
      with("pipe", &through_pipe<S>);
      with("batch", &batches<S>);
    });
  }
}

}  // namespace

void register_question() {
  register_for(direct_thread_subjects{}, "direct");
  register_for(pmr_thread_subjects{}, "pmr");
}

}  // namespace bench
