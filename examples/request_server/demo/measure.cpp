#include "measure.hpp"

#include "child.hpp"
#include "driver.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>

#include <algorithm>
#include <csignal>
#include <memory>
#include <stdexcept>

namespace shop {

namespace {

double median(std::vector<double> values) {
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The arenas, beginning with a different one in every round, so that none is always measured first.
std::vector<arena_kind> turns(unsigned round) {
  std::vector<arena_kind> out{compared_arenas.begin(), compared_arenas.end()};
  std::rotate(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(round % out.size()), out.end());
  return out;
}

// ---- Over sockets ---------------------------------------------------------------------------------------------------

/// The server of one arena.
class running_server {
public:
  running_server(demo_settings const& settings, arena_kind arena)
      : process_({settings.server, "--port=0", std::string("--arena=") + name_of(arena),
                  "--threads=" + std::to_string(settings.threads), "--data=" + settings.data}) {
    std::string const line = process_.read_line();
    std::string const before_port = "http://127.0.0.1:";
    auto const at = line.find(before_port);
    if (at == std::string::npos) throw std::runtime_error("the server did not start: " + line);
    port_ = static_cast<std::uint16_t>(std::stoul(line.substr(at + before_port.size())));
  }

  std::uint16_t port() const noexcept { return port_; }
  double peak_rss_mib() const { return process_.peak_rss_mib(); }

  void stop() {
    process_.signal(SIGTERM);
    if (int const status = process_.wait(); status != 0)
      throw std::runtime_error("the server ended with " + std::to_string(status));
  }

private:
  child process_;
  std::uint16_t port_ = 0;
};

void measure_sockets(demo_settings const& settings, std::map<arena_kind, arena_figures>& figures,
                     void (*progress)(std::string const&)) {
  auto const requests = read_recorded(settings.data);
  std::map<arena_kind, std::unique_ptr<running_server>> servers;
  for (arena_kind arena : compared_arenas) servers[arena] = std::make_unique<running_server>(settings, arena);
  for (auto& [arena, server] : servers) drive(server->port(), requests, settings.connections, 1);  // warm

  std::map<arena_kind, std::vector<double>> rates, p50s, p99s;
  for (unsigned round = 0; round < settings.rounds; ++round) {
    progress("sockets, round " + std::to_string(round + 1) + " of " + std::to_string(settings.rounds));
    for (arena_kind arena : turns(round)) {
      auto const result = drive(servers[arena]->port(), requests, settings.connections, settings.socket_passes);
      rates[arena].push_back(result.requests_per_second);
      p50s[arena].push_back(result.p50_microseconds);
      p99s[arena].push_back(result.p99_microseconds);
    }
  }
  for (auto& [arena, server] : servers) {
    auto& out = figures[arena];
    out.requests_per_second = median(rates[arena]);
    out.p50 = median(p50s[arena]);
    out.p99 = median(p99s[arena]);
    out.server_rss = server->peak_rss_mib();
    server->stop();
  }
}

// ---- In-process -----------------------------------------------------------------------------------------------------

boost::json::value run_replay(demo_settings const& settings, arena_kind arena, std::string const& mode) {
  child process({settings.replay, std::string("--arena=") + name_of(arena), "--data=" + settings.data, mode});
  auto const text = process.read_all();
  if (process.wait() != 0) throw std::runtime_error("the replay failed");
  return boost::json::parse(text);
}

double number(boost::json::value const& from, char const* name) {
  return from.as_object().at(name).to_number<double>();
}

void measure_replay(demo_settings const& settings, std::map<arena_kind, arena_figures>& figures,
                    void (*progress)(std::string const&)) {
  std::map<arena_kind, std::vector<double>> cpu, faults, rss;
  std::string const timed = "--passes=" + std::to_string(settings.replay_passes);
  for (unsigned round = 0; round < settings.rounds; ++round) {
    progress("in-process, round " + std::to_string(round + 1) + " of " + std::to_string(settings.rounds));
    for (arena_kind arena : turns(round)) {
      auto const result = run_replay(settings, arena, timed);
      cpu[arena].push_back(number(result, "cpu_us"));
      faults[arena].push_back(number(result, "page_faults"));
      rss[arena].push_back(number(result, "peak_rss_mib"));
    }
  }
  for (arena_kind arena : compared_arenas) {
    auto const held = run_replay(settings, arena, "--count");
    auto& out = figures[arena];
    out.cpu = median(cpu[arena]);
    out.faults = median(faults[arena]);
    out.rss = median(rss[arena]);
    out.held_mean = number(held, "held_mean") / 1024;
    out.held_p50 = number(held, "held_p50") / 1024;
    out.held_max = number(held, "held_max") / 1024;
  }
}

}  // namespace

std::map<arena_kind, arena_figures> measure(demo_settings const& settings, void (*progress)(std::string const&)) {
  std::map<arena_kind, arena_figures> figures;
  measure_sockets(settings, figures, progress);
  measure_replay(settings, figures, progress);
  return figures;
}

}  // namespace shop
