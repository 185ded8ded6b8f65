// How long does a question about a shared heap wait, and how long does a refusal take?
//
// latency/waits [SECONDS]: 10.
//   waits      eight threads allocate, touch and free blocks of 3 MiB, each of which storage maps; another calls real_size(), and
//              times each call. Prints quantiles of these times. Where there are fewer cores than threads, a call that is
//              interrupted by the scheduler counts, too: that is what a caller sees.
//   refusals   a heap whose limit is reached, among 1000, 100,000 and 1,000,000 free slots, or free blocks, none of which
//              serves the request. Prints the times of the first of 1001 refused calls of try_allocate(), which looks for memory that
//              those frees left, and the median and the 99th percentile of the others.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include <zmm/zmm.hpp>

#include "../support/keep.hpp"

namespace {

using std::size_t;
using clock_type = std::chrono::steady_clock;
constexpr size_t mib = size_t{1} << 20;

double since(clock_type::time_point begin) {
  return std::chrono::duration<double, std::micro>(clock_type::now() - begin).count();
}

double quantile(std::vector<float>& times, double q) {
  auto const at = times.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(times.size() - 1));
  std::nth_element(times.begin(), at, times.end());
  return static_cast<double>(*at);
}

void waits(double seconds) {
  zmm::synchronized_heap heap;
  std::atomic<bool> ends{false};
  std::atomic<size_t> blocks{0};
  std::vector<std::thread> mapping;
  for (int i = 0; i < 8; ++i) {
    mapping.emplace_back([&] {
      while (!ends) {
        void* p = heap.allocate(3 * mib);
        *static_cast<char*>(p) = 1;
        bench::keep(p);
        heap.deallocate(p, 3 * mib);
        ++blocks;
      }
    });
  }
  std::vector<float> times;
  times.reserve(size_t{1} << 26);
  size_t sum = 0;
  for (auto const begin = clock_type::now(); since(begin) < seconds * 1e6 && times.size() < times.capacity();) {
    auto const asked = clock_type::now();
    sum += heap.real_size();
    times.push_back(static_cast<float>(since(asked)));
  }
  ends = true;
  for (auto& t : mapping) t.join();
  std::printf("waits: real_size() %zu times beside %zu blocks of 3 MiB, on average %zu MiB held\n", times.size(), blocks.load(),
              sum / mib / times.size());
  for (double q : {0.5, 0.99, 0.999, 0.9999, 1.0}) std::printf("  %7.2f %%  %9.2f us\n", 100 * q, quantile(times, q));
}

template <class Heap> void refusals(char const* name, size_t free_slots) {
  constexpr size_t each = 64;
  Heap heap;
  std::vector<void*> blocks(free_slots);
  for (void*& p : blocks) p = heap.allocate(each);
  if (!heap.set_limit(heap.real_size())) return;
  while (heap.try_allocate(1024) != nullptr) {}
  // A live one in each run.
  for (size_t i = 0; i < free_slots; ++i)
    if (i % 32 != 0) heap.deallocate(blocks[i], each);
  std::vector<float> times;
  for (int i = 0; i < 1001; ++i) {
    auto const asked = clock_type::now();
    void* p = heap.try_allocate(mib);
    times.push_back(static_cast<float>(since(asked)));
    if (p != nullptr) std::puts("not refused");
  }
  double const first = static_cast<double>(times.front());
  times.erase(times.begin());
  std::printf("  %-18s %8zu  %9.2f  %9.2f  %9.2f us\n", name, free_slots, first, quantile(times, 0.5), quantile(times, 0.99));
}

}  // namespace

int main(int argc, char** argv) {
  waits(argc > 1 ? std::atof(argv[1]) : 10);
  std::puts("refusals: heap, free slots; the first, the median and the 99th percentile of 1000 others");
  for (size_t n : {size_t{1000}, size_t{100'000}, size_t{1'000'000}}) {
    refusals<zmm::heap>("heap", n);
    refusals<zmm::synchronized_heap>("synchronized_heap", n);
    refusals<zmm::request_heap>("request_heap", n);
    refusals<zmm::segment_heap>("segment_heap", n);
  }
}
