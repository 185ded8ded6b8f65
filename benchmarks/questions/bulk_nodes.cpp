// What does it cost to build a list of many nodes at once and to clear it, if the allocator allocates nodes in bulk?
//
// bulk_nodes/<nodes>: a list is constructed from a range of that many numbers, then cleared.
// bulk_nodes/set/<nodes>: the same with a set from an ordered range.
#include "../subjects/all.hpp"

#if defined(ZMM_BENCHMARK_BOOST)
#include <boost/container/adaptive_pool.hpp>
#include <boost/container/list.hpp>
#include <boost/container/node_allocator.hpp>
#include <boost/container/set.hpp>
#endif
#include <list>
#include <numeric>
#include <set>

namespace bench {
namespace {

using number = std::uint64_t;
using numbers = std::vector<number>;

numbers const& counted_to(std::size_t count) {
  static numbers values;
  values.resize(count);
  std::iota(values.begin(), values.end(), number{0});
  return values;
}

// What a container needs: an allocator type, and an engine if that has to be named.
template <template <class> class Allocator> struct process_wide {
  template <class T> using allocator = Allocator<T>;
  template <class T> allocator<T> get() { return {}; }
};
template <class Engine> struct engine_of_its_own {
  template <class T> using allocator = zmm::allocator<T, Engine>;
  template <class T> allocator<T> get() { return allocator<T>{engine}; }
  Engine engine;
};

struct std_new_delete : process_wide<std::allocator> {
  static constexpr char const* name = "std_new_delete";
  static constexpr bool is_std = true;
};
#if defined(ZMM_BENCHMARK_BOOST)
template <class T> using adaptive_pool = boost::container::adaptive_pool<T>;
template <class T> using node_allocator = boost::container::node_allocator<T>;

struct boost_new_delete : process_wide<std::allocator> {
  static constexpr char const* name = "boost_new_delete";
  static constexpr bool is_std = false;
};
struct boost_adaptive_pool : process_wide<adaptive_pool> {
  static constexpr char const* name = "boost_adaptive_pool";
  static constexpr bool is_std = false;
};
struct boost_node_allocator : process_wide<node_allocator> {
  static constexpr char const* name = "boost_node_allocator";
  static constexpr bool is_std = false;
};
struct zmm_heap_nodes : engine_of_its_own<zmm::heap> {
  static constexpr char const* name = "zmm_heap";
  static constexpr bool is_std = false;
};
struct zmm_request_nodes : engine_of_its_own<zmm::request_heap> {
  static constexpr char const* name = "zmm_request";
  static constexpr bool is_std = false;
};
#endif

template <class Source> void build_list(Source& source, numbers const& values) {
  using allocator = typename Source::template allocator<number>;
  if constexpr (Source::is_std) {
    std::list<number, allocator> list(values.begin(), values.end(), source.template get<number>());
    auto* front = &list.front();
    keep(front);
    list.clear();
#if defined(ZMM_BENCHMARK_BOOST)
  } else {
    boost::container::list<number, allocator> list(values.begin(), values.end(), source.template get<number>());
    auto* front = &list.front();
    keep(front);
    list.clear();
#endif
  }
}

template <class Source> void build_set(Source& source, numbers const& values) {
  using allocator = typename Source::template allocator<number>;
  if constexpr (Source::is_std) {
    std::set<number, std::less<number>, allocator> set(values.begin(), values.end(), std::less<number>{},
                                                       source.template get<number>());
    auto* first = &*set.begin();
    keep(first);
    set.clear();
#if defined(ZMM_BENCHMARK_BOOST)
  } else {
    boost::container::set<number, std::less<number>, allocator> set(boost::container::ordered_unique_range,
                                                                    values.begin(), values.end(), std::less<number>{},
                                                                    source.template get<number>());
    auto* first = &*set.begin();
    keep(first);
    set.clear();
#endif
  }
}

template <class Source> void ask(std::size_t nodes) {
  add("bulk_nodes/" + std::to_string(nodes), Source::name, [=](benchmark::State& state) {
    Source source;
    auto const& values = counted_to(nodes);
    for (auto _ : state) build_list(source, values);
    count_operations(state, nodes);
  });
  add("bulk_nodes/set/" + std::to_string(nodes), Source::name, [=](benchmark::State& state) {
    Source source;
    auto const& values = counted_to(nodes);
    for (auto _ : state) build_set(source, values);
    count_operations(state, nodes);
  });
}

}  // namespace

void register_question() {
  for (std::size_t const nodes : {std::size_t{1000}, std::size_t{1'000'000}}) {
    ask<std_new_delete>(nodes);
#if defined(ZMM_BENCHMARK_BOOST)
    ask<zmm_heap_nodes>(nodes);
    ask<zmm_request_nodes>(nodes);
    ask<boost_new_delete>(nodes);
    ask<boost_adaptive_pool>(nodes);
    ask<boost_node_allocator>(nodes);
#endif
  }
}

}  // namespace bench
