#include "replay.hpp"

#include "counting_resource.hpp"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace shop {

namespace {

/// Passes until memory has settled: at first, a pool of pages keeps touching new ones.
constexpr unsigned warm_passes = 5;

double cpu_microseconds_now() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

long page_faults_now() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return use.ru_minflt;
}

void replay_all(std::vector<recorded_request> const& requests, worker_memory& worker, service const& from,
                std::vector<char>& out) {
  request_limits const limits;
  for (recorded_request const& recorded : requests)
    if (replay(recorded.wire, worker, from, limits, out).status != 200)
      throw std::runtime_error("a recorded request is not answered with 200: " + recorded.wire.substr(0, 200));
}

}  // namespace

replayed replay(std::string_view wire, worker_memory& worker, service const& from, request_limits const& limits,
                std::vector<char>& out) {
  exchange one{worker, from, limits};
  while (!one.answered() && !wire.empty()) {
    auto const room = one.space();
    std::size_t const bytes = std::min(room.size(), wire.size());
    if (bytes != 0) std::memcpy(room.data(), wire.data(), bytes);
    wire.remove_prefix(bytes);
    if (!one.answered()) one.received(bytes);
  }
  out.clear();
  if (!one.answered()) return {0, one.held_at_most()};
  for (boost::asio::const_buffer piece : one.output()) {
    auto const* bytes = static_cast<char const*>(piece.data());
    out.insert(out.end(), bytes, bytes + piece.size());
  }
  return {one.status(), one.held_at_most()};
}

replay_cost time_replay(std::vector<recorded_request> const& requests, arena_kind arena, service const& from,
                        unsigned passes) {
  worker_memory worker{arena};
  std::vector<char> out;
  for (unsigned i = 0; i < warm_passes; ++i) replay_all(requests, worker, from, out);
  long const faults = page_faults_now();
  double const cpu = cpu_microseconds_now();
  for (unsigned i = 0; i < passes; ++i) replay_all(requests, worker, from, out);
  double const served = static_cast<double>(passes) * static_cast<double>(requests.size());
  return {(cpu_microseconds_now() - cpu) / served, static_cast<double>(page_faults_now() - faults) / served};
}

std::vector<std::size_t> count_held(std::vector<recorded_request> const& requests, arena_kind arena,
                                    service const& from) {
  counting_resource upstream;
  worker_memory worker{arena, no_limit, &upstream};
  std::vector<char> out;
  std::vector<std::size_t> held;
  for (recorded_request const& recorded : requests) {
    upstream.reset_peak();
    std::size_t const inside = replay(recorded.wire, worker, from, request_limits{}, out).held_at_most;
    held.push_back(inside + upstream.peak());
  }
  return held;
}

}  // namespace shop
