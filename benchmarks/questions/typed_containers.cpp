// What do STL containers cost with a typed allocator: zmm::allocator, std::allocator, or a plain allocator over another
// library's functions?
#include <list>
#include <map>
#include <string>
#include <unordered_map>

#include "../subjects/all.hpp"
#include "../support/random.hpp"

namespace bench {
namespace {

// The smallest possible allocator: a pointer to the subject, whose calls are inlined.
template <class T, class Subject> struct plain_allocator {
  using value_type = T;
  explicit plain_allocator(Subject& s) noexcept : subject{&s} {}
  template <class U> plain_allocator(plain_allocator<U, Subject> const& other) noexcept : subject{other.subject} {}

  T* allocate(std::size_t n) { return static_cast<T*>(subject->allocate(n * sizeof(T), alignof(T))); }
  void deallocate(T* p, std::size_t n) { subject->deallocate(p, n * sizeof(T), alignof(T)); }
  template <class U> bool operator==(plain_allocator<U, Subject> const& other) const noexcept {
    return subject == other.subject;
  }
  template <class U> bool operator!=(plain_allocator<U, Subject> const& other) const noexcept {
    return subject != other.subject;
  }
  Subject* subject;
};

// Names the allocator type of a subject and makes one.
template <class Subject> struct source {
  static constexpr char const* name = Subject::name;
  static bool available() { return Subject::available(); }
  template <class T> using allocator = plain_allocator<T, Subject>;
  template <class T> allocator<T> get() { return allocator<T>{subject}; }
  void end() noexcept { end_if_it_can(subject); }
  Subject subject;
};
struct standard_source {
  static constexpr char const* name = "std_allocator";
  static bool available() { return true; }
  template <class T> using allocator = std::allocator<T>;
  template <class T> allocator<T> get() { return {}; }
  void end() noexcept {}
};
template <class Engine> struct zmm_source {
  static constexpr char const* name = std::is_same_v<Engine, zmm::heap> ? "zmm_heap" : "zmm_request";
  static bool available() { return true; }
  template <class T> using allocator = zmm::allocator<T, Engine>;
  template <class T> allocator<T> get() { return allocator<T>{engine}; }
  void end() noexcept { engine.release(); }
  Engine engine;
};

using sources = subjects<zmm_source<zmm::heap>, zmm_source<zmm::request_heap>, standard_source, source<mimalloc_heap>,
                         source<jemalloc>, source<tcmalloc>, source<php_emalloc>>;

struct vector_growth {
  static constexpr char const* name = "vector";
  template <class Source> void operator()(Source& source) const {
    std::vector<int, typename Source::template allocator<int>> v{source.template get<int>()};
    for (int i = 0; i < 1000; ++i) v.push_back(i);
    auto* data = v.data();
    keep(data);
  }
};

struct list_queue {
  static constexpr char const* name = "list";
  template <class Source> void operator()(Source& source) const {
    std::list<std::size_t, typename Source::template allocator<std::size_t>> queue{source.template get<std::size_t>()};
    for (std::size_t i = 0; i < 1000; ++i) {
      queue.push_back(i);
      if (i % 2) queue.pop_front();
    }
    auto* front = &queue.front();
    keep(front);
  }
};

struct map_insert_erase {
  static constexpr char const* name = "map";
  template <class Source> void operator()(Source& source) const {
    using pair = std::pair<std::size_t const, std::size_t>;
    random_source random{8};
    std::map<std::size_t, std::size_t, std::less<>, typename Source::template allocator<pair>> m{
        source.template get<pair>()};
    for (std::size_t i = 0; i < 1000; ++i) {
      m.emplace(random.between(0, 1999), i);
      if (i % 3 == 0) m.erase(m.begin());
    }
    auto* first = &m.begin()->second;
    keep(first);
  }
};

struct unordered_map_of_strings {
  static constexpr char const* name = "unordered_map";
  template <class Source> void operator()(Source& source) const {
    using string = std::basic_string<char, std::char_traits<char>, typename Source::template allocator<char>>;
    struct hash {
      std::size_t operator()(string const& s) const noexcept {
        return std::hash<std::string_view>{}({s.data(), s.size()});
      }
    };
    using pair = std::pair<string const, std::size_t>;
    random_source random{9};
    std::unordered_map<string, std::size_t, hash, std::equal_to<>, typename Source::template allocator<pair>> m{
        16, hash{}, std::equal_to<>{}, source.template get<pair>()};
    for (std::size_t i = 0; i < 500; ++i) {
      string key{"a key of some length ", source.template get<char>()};
      key += static_cast<char>('a' + random.between(0, 25));
      key += static_cast<char>('a' + random.between(0, 25));
      ++m[std::move(key)];
    }
    auto* first = &m.begin()->second;
    keep(first);
  }
};

template <class Workload> void ask(Workload work) {
  for_each_present(sources{}, [&](auto tag) {
    using S = typename decltype(tag)::type;
    add(std::string{"typed_containers/"} + Workload::name, S::name, [=](benchmark::State& state) {
      S source;
      for (auto _ : state) {
        work(source);
        source.end();
      }
    });
  });
}

}  // namespace

void register_question() {
  ask(vector_growth{}), ask(list_queue{}), ask(map_insert_erase{}), ask(unordered_map_of_strings{});
}

}  // namespace bench
