// Does the cost of an operation grow with the heap? Ideally curves are flat; PHP's own lists are linear here.
//
// against_size/pages/<full|fragmented>/<chunks>: free the oldest of 32 runs of 1 to 16 pages, allocate another; every
// other chunk is full, or has half its runs of 1 to 8 pages freed at random.
// against_size/free_blocks/<blocks>: allocate a page and free it, among that many free blocks of all sizes that are not adjacent.
// against_size/huge_free/<blocks>: free one of that many huge blocks, on the operating system; only the free is timed.
// against_size/huge_pair/<blocks>: free one and allocate one, on a storage that only hands out addresses, so that the
// system's time is not measured.
// against_size/collect/<ordered|random>/<slots>: collect() with that many free slots, for each slot; random order shows the
// cost of cache misses.
#include <chrono>
#include <memory>

#include "../subjects/all.hpp"
#include "../support/address_storage.hpp"
#include "../support/random.hpp"

namespace bench {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t chunk = std::size_t{2} << 20;
constexpr std::size_t huge = chunk;

struct run {
  void* address;
  std::size_t bytes;
};

// Fills `chunks` chunks, and if `fragmented` frees half of the runs at random; returns the runs to be freed in the end.
template <class Subject> std::vector<run> fill(Subject& subject, std::size_t chunks, bool fragmented) {
  std::vector<run> live;
  auto const take = [&](std::size_t bytes) { live.push_back({subject.allocate(bytes, 8), bytes}); };
  if (!fragmented) {
    for (std::size_t i = 0; i < chunks; ++i) take(chunk - page);
    return live;
  }
  random_source random{12};
  for (std::size_t pages = 0; pages < chunks * (chunk / page - 1);) {
    auto const n = random.between(1, 8);
    take(n * page);
    pages += n;
  }
  std::vector<run> kept;
  for (auto const& r : live) {
    if (random.between(0, 1)) {
      kept.push_back(r);
    } else {
      subject.deallocate(r.address, r.bytes, 8);
    }
  }
  return kept;
}

template <class Subject> void pages(benchmark::State& state, std::size_t chunks, bool fragmented) {
  Subject subject;
  auto const filling = fill(subject, chunks, fragmented);
  random_source random{13};
  std::vector<std::size_t> sizes(4096);
  for (auto& s : sizes) s = random.between(1, 16) * page;
  std::vector<run> live(32);
  std::size_t next = 0;
  for (auto& r : live) {
    r = {nullptr, sizes[next++]};
    r.address = subject.allocate(r.bytes, 8);
  }
  for (auto _ : state) {
    auto& r = live[next % live.size()];
    subject.deallocate(r.address, r.bytes, 8);
    r.bytes = sizes[next++ % sizes.size()];
    r.address = subject.allocate(r.bytes, 8);
    keep(r.address);
  }
  for (auto const& r : live) subject.deallocate(r.address, r.bytes, 8);
  for (auto const& r : filling) subject.deallocate(r.address, r.bytes, 8);
}

template <class Subject> void free_blocks(benchmark::State& state, std::size_t blocks) {
  Subject subject;
  random_source random{20};
  std::vector<run> live, between;
  for (std::size_t i = 0; i < blocks; ++i) {
    live.push_back({nullptr, random.between(280, 20'000)});
    live.back().address = subject.allocate(live.back().bytes, 8);
    between.push_back({subject.allocate(24, 8), 24});
  }
  for (auto const& r : live) subject.deallocate(r.address, r.bytes, 8);
  for (auto _ : state) {
    auto* p = subject.allocate(page, 8);
    keep(p);
    subject.deallocate(p, page, 8);
  }
  for (auto const& r : between) subject.deallocate(r.address, r.bytes, 8);
}

template <class Subject> void huge_free(benchmark::State& state, std::size_t blocks) {
  Subject subject;
  random_source random{14};
  std::vector<void*> live(blocks);
  for (auto& p : live) p = subject.allocate(huge, 8);
  for (auto _ : state) {
    auto& p = live[random.between(0, blocks - 1)];
    auto const start = std::chrono::steady_clock::now();
    subject.deallocate(p, huge, 8);
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    p = subject.allocate(huge, 8);
  }
  for (auto* p : live) subject.deallocate(p, huge, 8);
}

void huge_pair(benchmark::State& state, std::size_t blocks) {
  address_storage addresses{blocks + 100};
  zmm::heap heap{addresses};
  random_source random{15};
  std::vector<void*> live(blocks);
  for (auto& p : live) p = heap.allocate(huge, 8);
  std::vector<std::uint32_t> order(65'536);
  for (auto& i : order) i = static_cast<std::uint32_t>(random.between(0, blocks - 1));
  std::size_t next = 0;
  for (auto _ : state) {
    auto& p = live[order[next++ % order.size()]];
    heap.deallocate(p, huge, 8);
    p = heap.allocate(huge, 8);
    keep(p);
  }
}

// zmm alone: PHP's collection (8.2) reads a chunk that it has just unmapped, when this much becomes free.
// Blocks of 64 bytes, freed in the order of their addresses or at random; one in a hundred stays live.
template <class Subject> void collect_slots(benchmark::State& state, std::size_t slots, bool at_random) {
  Subject subject;
  random_source random{16};
  std::vector<void*> live(slots);
  for (auto _ : state) {
    for (auto& p : live) p = subject.allocate(64, 8);
    if (at_random) shuffle(live, random);
    std::size_t const freed = slots - slots / 100;
    for (std::size_t i = 0; i < freed; ++i) subject.deallocate(live[i], 64, 8);
    auto const start = std::chrono::steady_clock::now();
    subject.engine.collect();
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(took.count() / static_cast<double>(freed));
    subject.end();
  }
}

}  // namespace

void register_question() {
  constexpr std::size_t sizes[] = {10, 1000, 20'000};
  for (bool const fragmented : {false, true}) {
    for (auto const chunks : sizes) {
      auto const question =
          std::string{"against_size/pages/"} + (fragmented ? "fragmented/" : "full/") + std::to_string(chunks);
      add(question, zmm_heap::name, [=](benchmark::State& state) {
        pages<zmm_heap>(state, chunks, fragmented);
      })->Iterations(200'000);
      if (php_emalloc::available() && chunks <= 1000) {  // PHP takes minutes to fill more
        add(question, php_emalloc::name, [=](benchmark::State& state) {
          pages<php_emalloc>(state, chunks, fragmented);
        })->Iterations(20'000);
      }
    }
  }
  for (std::size_t const blocks : {10u, 1000u, 100'000u}) {
    for_each_present(subjects<zmm_segment, zmm_heap, new_delete>{}, [&](auto tag) {
      using S = typename decltype(tag)::type;
      add("against_size/free_blocks/" + std::to_string(blocks), S::name,
          [=](benchmark::State& state) { free_blocks<S>(state, blocks); })
          ->Iterations(200'000);
    });
  }
  for (auto const blocks : sizes) {
    for_each_present(subjects<zmm_heap, php_emalloc, mimalloc_heap>{}, [&](auto tag) {
      using S = typename decltype(tag)::type;
      add("against_size/huge_free/" + std::to_string(blocks), S::name,
          [=](benchmark::State& state) { huge_free<S>(state, blocks); })
          ->UseManualTime()
          ->Iterations(2000);
    });
  }
  for (std::size_t const blocks : {10u, 1000u, 20'000u, 100'000u}) {
    add("against_size/huge_pair/" + std::to_string(blocks), zmm_heap::name, [=](benchmark::State& state) {
      huge_pair(state, blocks);
    })->Iterations(200'000);
  }
  for (std::size_t const slots : {1000u, 10'000u, 100'000u, 1'000'000u}) {
    for (bool const at_random : {false, true}) {
      for_each_present(subjects<zmm_heap>{}, [&](auto tag) {
        using S = typename decltype(tag)::type;
        add(std::string{"against_size/collect/"} + (at_random ? "random/" : "ordered/") + std::to_string(slots),
            S::name, [=](benchmark::State& state) { collect_slots<S>(state, slots, at_random); })
            ->UseManualTime()
            ->Iterations(slots > 100'000 ? 2 : 10);
      });
    }
  }
}

}  // namespace bench
