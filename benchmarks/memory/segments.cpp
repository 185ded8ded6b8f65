// How many calls to storage does a segment heap make, and how much memory does it hold for its live blocks?
//
// memory/segments: prints one JSON object for each figure. Everything is counted, nothing is timed.
//
//     calls_of_1726        calls to storage for 1726 allocations of 16 to 3000 bytes, as of a PHP script that prints hello
//     bytes_a_block/<n>    bytes that a live block of n bytes takes, with all of the heap's overhead; 100,000 blocks
//     held/<mix>           bytes taken from storage for each live byte, at the worst moment of a churn at 32 MiB
//     free_pieces/<mix>    free blocks for each hundred live ones at its end: how fragmented free memory is
//     heaps_of_20          bytes of 10,000 heaps of 20 blocks each, in 4 KiB each
//     rounds/<n>           calls to storage in a round that allocates two to nine blocks of n bytes and frees them
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <zmm/zmm.hpp>

#include "../../tests/support/counting_storage.hpp"
#include "../support/random.hpp"
#include "../support/sizes.hpp"

namespace {

using std::size_t;
using zmm_test::counting_storage;

void tell(std::string const& what, char const* subject, double value, char const* unit) {
  std::printf("{\"what\": \"%s\", \"subject\": \"%s\", \"value\": %.4f, \"unit\": \"%s\"}\n", what.c_str(), subject,
              value, unit);
}

template <class Heap> void calls_of_1726(char const* subject) {
  counting_storage source;
  Heap heap{source};
  bench::random_source random{1726};
  for (int i = 0; i < 1726; ++i) {
    double const share = static_cast<double>(random.next() >> 11) * 0x1p-53;  // most are small, few are buffers
    (void)heap.allocate(16 + static_cast<size_t>(2984 * std::pow(share, 30)));
  }
  tell("calls_of_1726", subject, static_cast<double>(source.takings()), "calls");
}

template <class Heap> void bytes_a_block(char const* subject) {
  for (size_t const bytes : {8u, 24u, 40u, 72u, 100u, 136u, 250u, 600u, 1100u, 2100u, 3100u, 4100u, 8200u}) {
    Heap heap;
    constexpr size_t blocks = 100'000;
    for (size_t i = 0; i < blocks; ++i) (void)heap.allocate(bytes, 8);
    tell("bytes_a_block/" + std::to_string(bytes), subject, static_cast<double>(heap.real_size()) / blocks, "bytes");
  }
}

struct block {
  void* p;
  size_t bytes;
};

// The free pieces between live blocks.
size_t pieces(std::vector<block> live) {
  std::sort(live.begin(), live.end(), [](block const& a, block const& b) { return a.p < b.p; });
  size_t count = 0;
  for (size_t i = 1; i < live.size(); ++i) {
    auto const end = reinterpret_cast<std::uintptr_t>(live[i - 1].p) + live[i - 1].bytes;
    count +=
        reinterpret_cast<std::uintptr_t>(live[i].p) > end + 64;  // more than a header and the rounding of a size
  }
  return count;
}

template <class Heap, class Pick> void churn(char const* subject, char const* mix, Pick pick) {
  Heap heap;
  bench::random_source random{19};
  std::vector<block> live;
  size_t bytes = 0;
  double worst = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    while (bytes < (size_t{32} << 20)) {
      size_t const n = pick(random);
      live.push_back({heap.allocate(n, 8), n});
      bytes += n;
    }
    if (i % 1000 == 0) worst = std::max(worst, static_cast<double>(heap.real_size()) / static_cast<double>(bytes));
    auto& gone = live[random.between(0, live.size() - 1)];
    heap.deallocate(gone.p, gone.bytes, 8);
    bytes -= gone.bytes;
    gone = live.back();
    live.pop_back();
  }
  tell(std::string{"held/"} + mix, subject, worst, "bytes a live byte");
  tell(std::string{"free_pieces/"} + mix, subject,
       100 * static_cast<double>(pieces(live)) / static_cast<double>(live.size()), "for a hundred blocks");
}

void heaps_of_20() {
  constexpr size_t heaps = 10'000;
  struct place {
    explicit place(void* memory) : storage(memory, 4096), heap(storage) {}
    zmm::buffer_storage storage;
    zmm::segment_heap heap;
  };
  std::unique_ptr<void, decltype(&std::free)> const memory(std::aligned_alloc(4096, heaps * 4096), &std::free);
  std::vector<std::unique_ptr<place>> all;
  size_t taken = 0;
  for (size_t i = 0; i < heaps; ++i) {
    all.push_back(std::make_unique<place>(static_cast<char*>(memory.get()) + i * 4096));
    for (size_t n = 0; n < 20; ++n) (void)all.back()->heap.allocate(100 + n * 8);
    taken += all.back()->heap.real_size();
  }
  tell("heaps_of_20", "zmm_segment", static_cast<double>(taken), "bytes");
}

template <class Heap> void rounds(char const* subject) {
  for (size_t const bytes : {size_t{100} << 10, size_t{700} << 10, size_t{3} << 20}) {
    counting_storage source;
    Heap heap{source};
    bench::random_source random{5};
    constexpr size_t count = 2000;
    size_t before = 0;
    auto const calls = [&] { return source.takings() + source.deallocations + source.truncations; };
    for (size_t round = 0; round < 2 * count; ++round) {
      if (round == count) before = calls();
      std::vector<void*> blocks;
      for (size_t i = random.between(2, 9); i != 0; --i) blocks.push_back(heap.allocate(bytes));
      for (void* p : blocks) heap.deallocate(p, bytes);
    }
    tell("rounds/" + std::to_string(bytes), subject, static_cast<double>(calls() - before) / count, "calls a round");
  }
}

template <class Heap> void all_of(char const* subject) {
  calls_of_1726<Heap>(subject);
  bytes_a_block<Heap>(subject);
  churn<Heap>(subject, "lognormal", [](bench::random_source& r) { return bench::lognormal(r); });
  churn<Heap>(subject, "mixed_small", [](bench::random_source& r) { return bench::mixed_small(r); });
  churn<Heap>(subject, "16_to_20000", [](bench::random_source& r) { return r.between(16, 20'000); });
  rounds<Heap>(subject);
}

}  // namespace

int main() {
  all_of<zmm::segment_heap>("zmm_segment");
  all_of<zmm::heap>("zmm_heap");
  heaps_of_20();
}
