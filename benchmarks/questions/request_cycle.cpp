// What do the beginning and the end of a request with one block cost, on warm memory, with 0 … 100,000 other requests in
// flight?
//
// request/create_end/<in flight>: create, allocate 64 bytes, write, end. mimalloc: mi_heap_new, one block,
// mi_heap_destroy.
// request/end/<blocks>: only the end, of a request that holds that many 64-byte blocks.
#include <chrono>
#include <deque>
#include <memory>

#include "../subjects/all.hpp"

namespace bench {
namespace {

struct zmm_engine_request {
  static constexpr char const* name = "zmm_request_heap";
  static bool available() { return true; }
  void* allocate(std::size_t n) { return heap.allocate(n, 8); }
  zmm::request_heap heap;
};
struct zmm_pmr_request {
  static constexpr char const* name = "zmm_request";
  static bool available() { return true; }
  void* allocate(std::size_t n) { return resource.allocate(n, 8); }
  zmm::request_resource resource;
};
struct mimalloc_request {
  static constexpr char const* name = "mimalloc";
  static bool available() { return mimalloc_heap::available(); }
  void* allocate(std::size_t n) { return heap.allocate(n, 8); }
  mimalloc_heap heap;
};
// The upstream is the global heap, as by default: one new and one delete of 1 KiB for each request.
struct monotonic_request {
  static constexpr char const* name = "std_monotonic_1k";
  static bool available() { return true; }
  void* allocate(std::size_t n) { return resource.allocate(n, 8); }
  std::pmr::monotonic_buffer_resource resource{1024};
};
struct apr_request {
  static constexpr char const* name = "apr_pool";
  static bool available() { return apr_pool::available(); }
  void* allocate(std::size_t n) { return pool.allocate(n, 8); }
  apr_pool pool;
};

using request_kinds = subjects<zmm_engine_request, zmm_pmr_request, mimalloc_request, monotonic_request, apr_request>;

template <class Request> void create_end(benchmark::State& state, std::size_t in_flight) {
  std::deque<std::unique_ptr<Request>> others;
  for (std::size_t i = 0; i < in_flight; ++i) {
    others.push_back(std::make_unique<Request>());
    *static_cast<std::size_t*>(others.back()->allocate(64)) = i;
  }
  for (auto _ : state) {
    Request request;
    void* p = request.allocate(64);
    keep(p);
    *static_cast<std::size_t*>(p) = 1;
  }
  while (!others.empty()) others.pop_back();  // newest first
}

template <class Subject> void only_end(benchmark::State& state, std::size_t blocks) {
  Subject subject;
  for (auto _ : state) {
    for (std::size_t i = 0; i < blocks; ++i) {
      void* p = subject.allocate(64, 8);
      keep(p);
      *static_cast<std::size_t*>(p) = i;
    }
    auto const start = std::chrono::steady_clock::now();
    subject.end();
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
}

}  // namespace

void register_question() {
  for (std::size_t const in_flight : {0u, 1u, 1000u, 100'000u}) {
    for_each_present(request_kinds{}, [&](auto tag) {
      using R = typename decltype(tag)::type;
      if (in_flight > 1000 && std::is_same_v<R, mimalloc_request>) return;  // 64 KiB and more in each heap: 6 GiB
      add("request/create_end/" + std::to_string(in_flight), R::name, [=](benchmark::State& state) {
        create_end<R>(state, in_flight);
      })->Iterations(200'000);  // fixed, so that the requests in flight are made once in each repetition
    });
  }
  for (std::size_t const blocks : {10u, 1000u, 20'000u, 100'000u}) {
    for_each_present(request_subjects{}, [&](auto tag) {
      using S = typename decltype(tag)::type;
      add("request/end/" + std::to_string(blocks), S::name,
          [=](benchmark::State& state) { only_end<S>(state, blocks); })
          ->UseManualTime()
          ->Iterations(50);  // not by time: filling takes a thousand times as long as the timed part
    });
  }
}

}  // namespace bench
