// Do two threads that serve requests from one pool slow each other down?
//
// threads_requests/<blocks>: each of two threads begins a request, allocates that many blocks, frees half of them at once, and
// ends it; an iteration is 40,000 blocks of each thread. Through pmr, wall time. "zmm_shared_pool": one pool for both;
// "zmm_own_pools": a pool for each; "std_monotonic": a buffer of 8 MiB for each.
#include <array>
#include <memory>

#include "../subjects/all.hpp"
#include "../support/crew.hpp"
#include "../support/sizes.hpp"

namespace bench {
namespace {

constexpr std::size_t blocks_an_iteration = 40'000;

struct shared_pool {
  static constexpr char const* name = "zmm_shared_pool";
  static bool available() { return true; }
  template <class Body> void serve(std::size_t, Body body) {
    zmm::request_resource request{pool};
    body(*opaque<std::pmr::memory_resource>(&request));
  }
  zmm::request_pool pool;
};
struct own_pools {
  static constexpr char const* name = "zmm_own_pools";
  static bool available() { return true; }
  template <class Body> void serve(std::size_t thread, Body body) {
    zmm::request_resource request{pools[thread].pool};
    body(*opaque<std::pmr::memory_resource>(&request));
  }
  struct alignas(128) apart {
    zmm::request_pool pool;
  };
  std::array<apart, 2> pools;
};
struct own_buffers {
  static constexpr char const* name = "std_monotonic";
  static bool available() { return true; }
  template <class Body> void serve(std::size_t thread, Body body) {
    std::pmr::monotonic_buffer_resource request{buffers[thread].data(), ready_buffer::bytes};
    body(*opaque<std::pmr::memory_resource>(&request));
  }
  std::array<ready_buffer, 2> buffers;
};

std::vector<std::uint32_t> const& sizes() {
  static std::vector<std::uint32_t> const result = [] {
    std::vector<std::uint32_t> all(65'536);
    random_source random{41};
    for (auto& s : all) s = mixed_small(random);
    return all;
  }();
  return result;
}

template <class Requests> void measure(benchmark::State& state, std::size_t blocks) {
  Requests requests;
  auto const& all = sizes();
  std::array<std::size_t, 2> next{0, all.size() / 2};
  crew threads{2};
  auto const work = [&](std::size_t thread) {
    std::size_t at = next[thread];
    for (std::size_t done = 0; done < blocks_an_iteration; done += blocks) {
      requests.serve(thread, [&](std::pmr::memory_resource& request) {
        for (std::size_t i = 0; i < blocks; ++i) {
          auto const bytes = all[at++ % all.size()];
          void* p = request.allocate(bytes, 8);
          keep(p);
          *static_cast<std::size_t*>(p) = bytes;
          if (i % 2 == 0) request.deallocate(p, bytes, 8);
        }
      });
    }
    next[thread] = at;
  };
  threads.run(work);
  for (auto _ : state) state.SetIterationTime(threads.run(work));
  count_operations(state, 2 * blocks_an_iteration);
}

}  // namespace

void register_question() {
  for (std::size_t const blocks : {1u, 10u, 100u, 1000u}) {
    for_each_present(subjects<shared_pool, own_pools, own_buffers>{}, [&](auto tag) {
      using S = typename decltype(tag)::type;
      add("threads_requests/" + std::to_string(blocks), S::name, [=](benchmark::State& state) {
        measure<S>(state, blocks);
      })->UseManualTime();
    });
  }
}

}  // namespace bench
