// What do containers cost through std::pmr: built, used, destroyed?
//
// containers/<workload>: one iteration builds the container from nothing, works on it and destroys it. Subjects that have
// requests end one after each iteration, as a server would. The destructors run before that, with every subject.
#include <list>
#include <map>
#include <unordered_map>

#include "../subjects/all.hpp"
#include "../support/document.hpp"

namespace bench {
namespace {

using resource_pointer = std::pmr::memory_resource*;

void vector_growth(resource_pointer r) {
  std::pmr::vector<int> v{r};
  for (int i = 0; i < 1000; ++i) v.push_back(i);
  auto* data = v.data();
  keep(data);
}

void strings(resource_pointer r) {
  static std::string const text(200, 'x');
  random_source random{7};
  std::pmr::vector<std::pmr::string> lines{r};
  lines.reserve(200);
  for (int i = 0; i < 200; ++i) {
    lines.emplace_back(text.data(), random.between(5, 120));
    if (i % 4 == 0) lines.back().append(text, 0, 60);
  }
  auto* data = lines.data();
  keep(data);
}

void list_queue(resource_pointer r) {
  std::pmr::list<std::size_t> queue{r};
  for (std::size_t i = 0; i < 1000; ++i) {
    queue.push_back(i);
    if (i % 2) queue.pop_front();
  }
  auto* front = &queue.front();
  keep(front);
}

void map_insert_erase(resource_pointer r) {
  random_source random{8};
  std::pmr::map<std::size_t, std::size_t> m{r};
  for (std::size_t i = 0; i < 1000; ++i) {
    m.emplace(random.between(0, 1999), i);
    if (i % 3 == 0) m.erase(m.begin());
  }
  auto* first = &m.begin()->second;
  keep(first);
}

// Keys longer than the string's own buffer, as header fields and identifiers are.
void unordered_map_of_strings(resource_pointer r) {
  random_source random{9};
  std::pmr::unordered_map<std::pmr::string, std::size_t> m{r};
  for (std::size_t i = 0; i < 500; ++i) {
    std::pmr::string key{"a key of some length ", r};
    key += static_cast<char>('a' + random.between(0, 25));
    key += static_cast<char>('a' + random.between(0, 25));
    ++m[std::move(key)];
  }
  auto* first = &m.begin()->second;
  keep(first);
}

void document(resource_pointer r) {
  static std::string const text = order_report(60);
  auto value = document_parser{text, r}.parse();
  auto* root = &value;
  keep(root);
}

struct workload {
  char const* name;
  void (*run)(resource_pointer);
};
constexpr workload workloads[] = {
    {"vector", vector_growth},
    {"string", strings},
    {"list", list_queue},
    {"map", map_insert_erase},
    {"unordered_map", unordered_map_of_strings},
    {"document", document},
};

// Monotonic resources take part: so little is freed here that a program might choose one.
using container_subjects =
    subjects<zmm_request_pmr, zmm_heap_pmr, zmm_segment_pmr, zmm_checked_pmr, zmm_checked_request_pmr, zmm_hardened_pmr, zmm_hardened_request_pmr, new_delete_pmr, std_pool,
             std_pool_over_monotonic, std_monotonic, boost_pool, mimalloc_pmr, jemalloc_pmr, tcmalloc_pmr, php_pmr>;

}  // namespace

void register_question() {
  for (auto const& w : workloads) {
    for_each_present(container_subjects{}, [&](auto tag) {
      using S = typename decltype(tag)::type;
      add(std::string{"containers/"} + w.name, S::name, [run = w.run](benchmark::State& state) {
        S subject;
        for (auto _ : state) {
          run(subject.resource());
          end_if_it_can(subject);
        }
      });
    });
  }
}

}  // namespace bench
