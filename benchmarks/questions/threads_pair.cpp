// What does allocating a block and freeing it on the same thread cost, in a heap that any thread may use?
//
// threads_pair/typed/<bytes>: size and alignment known at compile time; zmm through allocator<T>{}.
// threads_pair/pmr/<bytes>: through std::pmr::memory_resource; "zmm_heap" is the resource for one thread, "floor" one that
// returns a constant.
// threads_pair/object/<bytes>: as pmr, with the loop in a shared object (-fPIC) opened at run time.
// threads_pair/typed_two, pmr_two/<bytes>: two threads at once in one heap; an iteration is 50,000 pairs of each.
#include "../objects/pair.hpp"
#include "../subjects/all.hpp"
#include "../support/crew.hpp"

namespace bench {
namespace {

template <std::size_t Bytes> struct alignas(8) block { unsigned char bytes[Bytes]; };

// zmm as a container's node would use it: the empty allocator.
struct zmm_typed {
  static constexpr char const* name = "zmm_thread_heap";
  static bool available() { return true; }
};
struct zmm_typed_unsynchronized {
  static constexpr char const* name = "zmm_heap";
  static bool available() { return true; }
  zmm::heap engine;
};

template <std::size_t Bytes, class Subject> ZMM_INLINE void one_pair(Subject& subject) {
  if constexpr (std::is_same_v<Subject, zmm_typed>) {
    zmm::allocator<block<Bytes>> allocator;
    auto* p = allocator.allocate(1);
    keep(p);
    allocator.deallocate(p, 1);
  } else if constexpr (std::is_same_v<Subject, zmm_typed_unsynchronized>) {
    zmm::allocator<block<Bytes>, zmm::heap> allocator{subject.engine};
    auto* p = allocator.allocate(1);
    keep(p);
    allocator.deallocate(p, 1);
  } else {
    void* p = subject.allocate(Bytes, 8);
    keep(p);
    subject.deallocate(p, Bytes, 8);
  }
}

// Two threads at once; an iteration is 50,000 pairs of each. Wall time.
template <class Subject, class Pair> void two_threads(benchmark::State& state, Pair pair) {
  constexpr std::size_t pairs = 50'000;
  Subject subject;
  crew threads{2};
  auto const work = [&](std::size_t) {
    for (std::size_t i = 0; i < pairs; ++i) pair(subject);
  };
  threads.run(work);
  for (auto _ : state) state.SetIterationTime(threads.run(work));
  count_operations(state, 2 * pairs);
}

using typed_subjects =
    subjects<zmm_typed, zmm_synchronized, zmm_typed_unsynchronized, new_delete, mimalloc_process, jemalloc, tcmalloc>;

template <std::size_t Bytes> void typed() {
  auto const bytes = std::to_string(Bytes);
  for_each_present(typed_subjects{}, [&](auto tag) {
    using S = typename decltype(tag)::type;
    add("threads_pair/typed/" + bytes, S::name, [](benchmark::State& state) {
      S subject;
      for (auto _ : state) one_pair<Bytes>(subject);
    });
    if constexpr (!std::is_same_v<S, zmm_typed_unsynchronized>) {
      add("threads_pair/typed_two/" + bytes, S::name, [](benchmark::State& state) {
        two_threads<S>(state, [](S& subject) { one_pair<Bytes>(subject); });
      })->UseManualTime();
    }
  });
}

template <class S> void virtual_pair(S& subject, std::size_t bytes) {
  void* p = subject.allocate(bytes, 8);
  keep(p);
  subject.deallocate(p, bytes, 8);
}

void virtual_pairs(std::size_t bytes) {
  auto const one = [=](auto tag) {
    using S = typename decltype(tag)::type;
    add("threads_pair/pmr/" + std::to_string(bytes), S::name, [=](benchmark::State& state) {
      S subject;
      for (auto _ : state) virtual_pair(subject, bytes);
    });
  };
  for_each_present(subjects<floor_pmr, zmm_heap_pmr>{}, one);
  for_each_present(pmr_thread_subjects{}, one);
  for_each_present(pmr_thread_subjects{}, [=](auto tag) {
    using S = typename decltype(tag)::type;
    add("threads_pair/pmr_two/" + std::to_string(bytes), S::name, [=](benchmark::State& state) {
      two_threads<S>(state, [=](S& subject) { virtual_pair(subject, bytes); });
    })->UseManualTime();
  });
}

// The same loops, compiled into the shared object.
void pairs_in_an_object(std::size_t bytes) {
  static library const object{ZMM_BENCHMARK_PAIR_OBJECT};
  static decltype(&pair_subject_name) name = nullptr;
  static decltype(&pair_subject_pairs) pairs = nullptr;
  if (!object.find(name, "pair_subject_name") || !object.find(pairs, "pair_subject_pairs")) {
    std::fprintf(stderr, "skipped: the loop in a shared object (%s)\n", object.error());
    return;
  }
  for (std::size_t s = 0; name(s) != nullptr; ++s) {
    add("threads_pair/object/" + std::to_string(bytes), name(s), [=](benchmark::State& state) {
      constexpr std::size_t count = 1000;
      while (state.KeepRunningBatch(count)) pairs(s, bytes, count);
    });
  }
}

}  // namespace

void register_question() {
  typed<8>(), typed<64>(), typed<256>(), typed<1024>();
  for (std::size_t const bytes : {8u, 64u, 256u, 1024u}) {
    virtual_pairs(bytes);
    pairs_in_an_object(bytes);
  }
}

}  // namespace bench
