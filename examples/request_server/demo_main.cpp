// request_demo: starts a server for each arena, drives them over sockets, replays the same requests without sockets, and
// prints one table. scripts/demo builds and runs it.
#include "demo/measure.hpp"

#include <boost/program_options.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

namespace {

namespace po = boost::program_options;

po::options_description described(shop::demo_settings& out) {
  po::options_description options("request_demo: four arenas side by side");
  auto add = options.add_options();
  add("help", "show this text");
  add("server", po::value(&out.server)->default_value(SHOP_SERVER), "the server's program");
  add("replay", po::value(&out.replay)->default_value(SHOP_REPLAY), "the replay's program");
  add("data", po::value(&out.data)->default_value(SHOP_DATA_FOLDER), "folder of the recorded requests");
  add("rounds", po::value(&out.rounds)->default_value(out.rounds), "turns of each arena");
  add("connections", po::value(&out.connections)->default_value(out.connections), "connections to a server");
  add("threads", po::value(&out.threads)->default_value(out.threads), "worker threads of a server");
  add("socket-passes", po::value(&out.socket_passes)->default_value(out.socket_passes),
      "passes of a connection's turn");
  add("replay-passes", po::value(&out.replay_passes)->default_value(out.replay_passes), "passes of an in-process turn");
  return options;
}

void show_progress(std::string const& what) { std::cerr << what << '\n'; }

void print_table(std::map<shop::arena_kind, shop::arena_figures> const& figures) {
  std::puts("          |          over sockets             |          in-process, per request            |");
  std::puts("          |                            server |                   KiB held                  | replay");
  std::puts("arena     |   req/s   p50 us   p99 us     MiB |  CPU us  faults     mean      p50       max |    MiB");
  std::puts("----------+-----------------------------------+---------------------------------------------+-------");
  for (shop::arena_kind arena : shop::compared_arenas) {
    auto const& f = figures.at(arena);
    std::printf("%-9s | %7.0f  %7.0f  %7.0f  %6.1f | %7.2f  %6.3f  %7.1f  %7.1f  %8.1f | %6.1f\n", shop::name_of(arena),
                f.requests_per_second, f.p50, f.p99, f.server_rss, f.cpu, f.faults, f.held_mean, f.held_p50, f.held_max,
                f.rss);
  }
}

/// Prints zmm's CPU time and page faults beside the best of the others.
void print_comparison(std::map<shop::arena_kind, shop::arena_figures> const& figures) {
  auto const& zmm = figures.at(shop::arena_kind::zmm);
  double cpu = 1e300, faults = 1e300;
  for (auto const& [arena, f] : figures) {
    if (arena == shop::arena_kind::zmm) continue;
    cpu = std::min(cpu, f.cpu);
    faults = std::min(faults, f.faults);
  }
  std::printf("\nzmm beside the best other arena: CPU %.2f us to %.2f (x %.3f), page faults %.3f to %.3f\n", zmm.cpu,
              cpu, zmm.cpu / cpu, zmm.faults, faults);
}

}  // namespace

int main(int argc, char** argv) try {
  shop::demo_settings settings;
  auto const options = described(settings);
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, options), given);
  po::notify(given);
  if (given.count("help") != 0) {
    std::cout << options;
    return 0;
  }
  auto const figures = shop::measure(settings, show_progress);
  print_table(figures);
  print_comparison(figures);
  return 0;
} catch (std::exception const& error) {
  std::cerr << "request_demo: " << error.what() << '\n';
  return 1;
}
