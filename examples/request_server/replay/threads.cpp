#include "replay.hpp"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <stdexcept>
#include <thread>

namespace shop {

namespace {

constexpr unsigned thread_warm_passes = 2;

double thread_microseconds_now() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

/// Makes threads wait until all have arrived.
class starting_line {
public:
  explicit starting_line(unsigned threads) noexcept : missing_(threads) {}
  void wait() noexcept {
    --missing_;
    while (missing_ != 0) std::this_thread::yield();
  }

private:
  std::atomic<unsigned> missing_;
};

struct replay_thread {
  std::thread runs;
  double cpu_microseconds = 0;
  std::chrono::steady_clock::time_point begun, ended;
  std::exception_ptr failed;
};

void replay_passes(std::vector<recorded_request> const& requests, worker_memory& worker, service const& from,
                   unsigned passes) {
  request_limits const limits;
  std::vector<char> out;
  for (unsigned i = 0; i < passes; ++i)
    for (recorded_request const& recorded : requests)
      if (replay(recorded.wire, worker, from, limits, out).status != 200)
        throw std::runtime_error("a recorded request is not answered with 200: " + recorded.wire.substr(0, 200));
}

void run(replay_thread& self, starting_line& line, zmm::request_pool& pages,
         std::vector<recorded_request> const& requests, service const& from, unsigned passes) noexcept {
  worker_memory worker{arena_kind::zmm};
  worker.use(pages);
  try {
    replay_passes(requests, worker, from, thread_warm_passes);
  } catch (...) { self.failed = std::current_exception(); }
  line.wait();
  self.begun = std::chrono::steady_clock::now();
  double const cpu = thread_microseconds_now();
  try {
    if (!self.failed) replay_passes(requests, worker, from, passes);
  } catch (...) { self.failed = std::current_exception(); }
  self.cpu_microseconds = thread_microseconds_now() - cpu;
  self.ended = std::chrono::steady_clock::now();
}

}  // namespace

threads_cost time_threads(std::vector<recorded_request> const& requests, service const& from, unsigned threads,
                          bool shared, unsigned passes) {
  std::deque<zmm::request_pool> pools(shared ? 1 : threads);
  std::deque<replay_thread> all(threads);
  starting_line line{threads};
  for (unsigned i = 0; i < threads; ++i)
    all[i].runs = std::thread(run, std::ref(all[i]), std::ref(line), std::ref(pools[shared ? 0 : i]),
                              std::cref(requests), std::cref(from), passes);
  for (replay_thread& one : all) one.runs.join();

  threads_cost cost{0, 0};
  auto begun = all[0].begun, ended = all[0].ended;
  for (replay_thread const& one : all) {
    if (one.failed) std::rethrow_exception(one.failed);
    begun = std::min(begun, one.begun);
    ended = std::max(ended, one.ended);
    cost.cpu_microseconds += one.cpu_microseconds;
  }
  double const served = static_cast<double>(threads) * passes * static_cast<double>(requests.size());
  cost.wall_microseconds = std::chrono::duration<double, std::micro>(ended - begun).count() / served;
  cost.cpu_microseconds /= served;
  return cost;
}

}  // namespace shop
