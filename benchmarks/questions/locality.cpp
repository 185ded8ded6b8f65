// How near do blocks lie? Many lists are built, their elements migrate from list to list, and then every list is walked;
// only the walk is timed.
//
// locality/<elements in each list>: 1,048,576 elements in all, each a node of 32 bytes. Migration: one after the other,
// twice as many elements as there are leave the front of a random list (freed), and come back at the end of another one
// (allocated). The walk sums all elements. Monotonic resources take part: they never reuse a block, and need more memory
// for that.
#include <list>

#include "../subjects/all.hpp"
#include "../support/random.hpp"

namespace bench {
namespace {

constexpr std::size_t all_elements = std::size_t{1} << 20;

using list = std::pmr::list<std::size_t>;

// Built and migrated once for each subject and size, then walked by every repetition: the walk changes nothing.
template <class Subject> struct worn_lists {
  explicit worn_lists(std::size_t elements) {
    std::size_t const count = all_elements / elements;
    lists.reserve(count);
    for (std::size_t i = 0; i < count; ++i) lists.emplace_back(subject.resource());
    for (std::size_t e = 0; e < elements; ++e) {
      for (auto& l : lists) l.push_back(e);
    }
    random_source random{11};
    for (std::size_t i = 0; i < 2 * all_elements; ++i) {
      auto& from = lists[random.between(0, count - 1)];
      auto& to = lists[random.between(0, count - 1)];
      if (from.empty()) continue;
      auto const value = from.front();
      from.pop_front();
      to.push_back(value);
    }
  }
  std::size_t walk() const {
    std::size_t sum = 0;
    for (auto const& l : lists) {
      for (auto const value : l) sum += value;
    }
    return sum;
  }

  Subject subject;
  std::vector<list> lists;
};

template <class Subject> void walk(benchmark::State& state, std::size_t elements) {
  worn_lists<Subject> lists{elements};
  for (auto _ : state) {
    auto sum = lists.walk();
    auto* p = &sum;
    keep(p);
  }
  count_operations(state, all_elements);
}

// Like the other questions' monotonic subjects, whose buffers are too small for three million nodes; these grow.
struct growing_monotonic : behind_pmr<std::pmr::monotonic_buffer_resource, true> {
  static constexpr char const* name = "std_monotonic";
};
using locality_subjects = subjects<zmm_request_pmr, zmm_heap_pmr, new_delete_pmr, std_pool, growing_monotonic,
                                   boost_pool, mimalloc_pmr, jemalloc_pmr, tcmalloc_pmr, php_pmr>;

}  // namespace

void register_question() {
  for (std::size_t const elements : {16u, 64u, 256u, 1024u, 4096u, 16'384u, 65'536u}) {
    for_each_present(locality_subjects{}, [&](auto tag) {
      using S = typename decltype(tag)::type;
      add("locality/" + std::to_string(elements), S::name, [=](benchmark::State& state) { walk<S>(state, elements); })
          ->Unit(benchmark::kMillisecond)
          ->Iterations(5)
          ->Repetitions(1);  // building the lists takes twenty times the walk; processes are repeated
    });
  }
}

}  // namespace bench
