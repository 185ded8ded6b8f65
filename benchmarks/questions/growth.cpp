// What does a vector cost that grows by push_back, without reserve()?
//
// growth/one/<bytes>: a vector of 64-bit numbers grows to that many bytes and is destroyed.
// growth/many/<bytes>: 100,000 vectors grow to that many bytes, one after the other; the last 1000 of them are alive.
//
// std_ subjects are std::vector, boost_ and zmm_ ones boost::container::vector. Counters: moves of the elements above 64
// KiB and above 2 MiB; and the peak of resident bytes divided by the final size, measured in its own process (one/ only).
#include "../subjects/all.hpp"
#include "../support/child.hpp"

#if defined(ZMM_BENCHMARK_BOOST)
#include <boost/container/allocator.hpp>
#include <boost/container/vector.hpp>
#endif
#include <deque>
#include <vector>

namespace bench {
namespace {

using number = std::uint64_t;
constexpr std::size_t kib = 1024, mib = 1024 * kib;

struct std_new_delete {
  static constexpr char const* name = "std_new_delete";
  using vector = std::vector<number>;
  vector make() { return {}; }
};
#if defined(ZMM_BENCHMARK_BOOST)
struct boost_new_delete {
  static constexpr char const* name = "boost_new_delete";
  using vector = boost::container::vector<number>;
  vector make() { return {}; }
};
struct boost_own {
  static constexpr char const* name = "boost_allocator";
  using vector = boost::container::vector<number, boost::container::allocator<number>>;
  vector make() { return {}; }
};
template <class Engine> struct zmm_vectors {
  using vector = boost::container::vector<number, zmm::allocator<number, Engine>>;
  vector make() { return vector{zmm::allocator<number, Engine>{engine}}; }
  Engine engine;
};
struct zmm_heap_vectors : zmm_vectors<zmm::heap> {
  static constexpr char const* name = "zmm_heap";
};
struct zmm_request_vectors : zmm_vectors<zmm::request_heap> {
  static constexpr char const* name = "zmm_request";
};
struct zmm_huge_page_vectors {
  static constexpr char const* name = "zmm_heap_huge_pages";
  using vector = zmm_heap_vectors::vector;
  vector make() { return vector{zmm::allocator<number, zmm::heap>{engine}}; }
  zmm::heap engine{zmm::huge_page_storage()};
};
#endif

template <class Vector> void push(Vector& v, std::size_t bytes) {
  std::size_t const count = bytes / sizeof(number);
  for (std::size_t i = 0; i < count; ++i) v.push_back(i);
  auto* data = v.data();
  keep(data);
}

// How often the elements move while a vector of `Subject` grows.
struct moves {
  double above_64k = 0, above_2m = 0;
};
template <class Subject> moves count_moves(std::size_t bytes) {
  Subject subject;
  auto v = subject.make();
  moves m;
  std::size_t const count = bytes / sizeof(number);
  number const* data = nullptr;
  while (v.size() < count) {
    v.push_back(v.size());
    if (v.data() != data) {
      std::size_t const moved = (v.size() - 1) * sizeof(number);
      m.above_64k += moved >= 64 * kib;
      m.above_2m += moved > 2 * mib;
      data = v.data();
    }
  }
  return m;
}

// Peak resident bytes divided by the final size, for the vector alone.
template <class Subject> double peak_by_final(std::size_t bytes) {
  int ends[2];
  double result = 0;
  if (pipe(ends) != 0) return 0;
  pid_t const child = fork();
  if (child == 0) {
    Subject subject;
    std::size_t const before = resident_bytes();
    { std::ofstream{"/proc/self/clear_refs"} << 5; }  // restarts the peak
    auto v = subject.make();
    push(v, bytes);
    double const ratio = static_cast<double>(peak_resident_bytes() - before) / static_cast<double>(bytes);
    _exit(write(ends[1], &ratio, sizeof ratio) == sizeof ratio ? 0 : 1);
  }
  close(ends[1]);
  if (child < 0 || read(ends[0], &result, sizeof result) != sizeof result) result = 0;
  close(ends[0]);
  if (child > 0) waitpid(child, nullptr, 0);
  return result;
}

template <class Subject> void ask_one(std::size_t bytes) {
  add("growth/one/" + std::to_string(bytes / mib), Subject::name,
      [=](benchmark::State& state) {
        for (auto _ : state) {
          Subject subject;
          auto v = subject.make();
          push(v, bytes);
        }
        moves const m = count_moves<Subject>(bytes);
        state.counters["moves_above_64k"] = m.above_64k;
        state.counters["moves_above_2m"] = m.above_2m;
        state.counters["peak_by_final"] = peak_by_final<Subject>(bytes);
      })
      ->Unit(benchmark::kMillisecond)
      ->Repetitions(1);
}

template <class Subject> void ask_many(std::size_t bytes) {
  constexpr std::size_t all = 100'000, alive = 1000;
  add("growth/many/" + std::to_string(bytes / kib), Subject::name,
      [=](benchmark::State& state) {
        for (auto _ : state) {
          Subject subject;
          std::vector<typename Subject::vector> ring;
          for (std::size_t i = 0; i < alive; ++i) ring.push_back(subject.make());
          for (std::size_t i = 0; i < all; ++i) {
            auto v = subject.make();
            push(v, bytes);
            ring[i % alive] = std::move(v);
          }
        }
        count_operations(state, all);
      })
      ->Unit(benchmark::kMillisecond)
      ->Iterations(1)
      ->Repetitions(1);  // seconds each; processes are repeated
}

template <class Subject> void ask() {
  ask_one<Subject>(256 * mib);
  ask_one<Subject>(1024 * mib);
  ask_many<Subject>(100 * kib);
}

}  // namespace

void register_question() {
  ask<std_new_delete>();
#if defined(ZMM_BENCHMARK_BOOST)
  ask<boost_new_delete>();
  ask<boost_own>();
  ask<zmm_heap_vectors>();
  ask<zmm_request_vectors>();
  ask<zmm_huge_page_vectors>();
#endif
}

}  // namespace bench
