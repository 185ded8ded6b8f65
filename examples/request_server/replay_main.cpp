// request_replay: the recorded requests through one arena, in this process and without sockets. Prints one JSON object.
// Each arena gets its own process, so that none finds a heap that another has warmed.
#include "content/content.hpp"
#include "replay/replay.hpp"

#include <zmm/sampled.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/program_options.hpp>

#include <malloc.h>

#include <algorithm>
#include <exception>
#include <fstream>
#include <iostream>
#include <numeric>
#include <stdexcept>
#include <string>

namespace {

namespace po = boost::program_options;
namespace json = boost::json;

struct settings {
  std::string arena, data, only;
  unsigned passes = 10;
  bool count = false;
  std::size_t sample = 0;
};

po::options_description described(settings& out) {
  po::options_description options("request_replay: what recorded requests cost in one arena");
  auto add = options.add_options();
  add("help", "show this text");
  add("arena", po::value(&out.arena)->default_value("zmm"), "zmm, checked, hardened, sampled, new, monotonic or pool");
  add("passes", po::value(&out.passes)->default_value(10), "times that all requests are replayed and timed");
  add("count", po::bool_switch(&out.count), "count the bytes held per request instead of the time");
  add("only", po::value(&out.only), "requests of one kind: orders, page or search");
  add("sample", po::value(&out.sample)->default_value(0),
      "mean bytes from one sample of --arena=zmm to the next, switched on at run time; 0: none");
  add("data", po::value(&out.data)->default_value(SHOP_DATA_FOLDER), "folder of the recorded requests");
  return options;
}

/// Restarts the peak, so that loading does not count.
void reset_peak_rss() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

double peak_rss_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib / 1024;
  }
  return 0;
}

json::object timed(std::vector<shop::recorded_request> const& requests, shop::arena_kind arena,
                   shop::service const& from, unsigned passes) {
  auto const cost = shop::time_replay(requests, arena, from, passes);
  return {{"cpu_us", cost.cpu_microseconds}, {"page_faults", cost.page_faults}, {"peak_rss_mib", peak_rss_mib()}};
}

json::object counted(std::vector<shop::recorded_request> const& requests, shop::arena_kind arena,
                     shop::service const& from) {
  auto held = shop::count_held(requests, arena, from);
  std::sort(held.begin(), held.end());
  auto const sum = std::accumulate(held.begin(), held.end(), std::size_t{0});
  return {{"held_mean", static_cast<double>(sum) / static_cast<double>(held.size())},
          {"held_p50", held[held.size() / 2]},
          {"held_max", held.back()}};
}

}  // namespace

int main(int argc, char** argv) try {
  settings chosen;
  auto const options = described(chosen);
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, options), given);
  po::notify(given);
  if (given.count("help") != 0) {
    std::cout << options;
    return 0;
  }
  auto const arena = shop::arena_named(chosen.arena);
  if (!arena || chosen.passes == 0) throw std::invalid_argument("no such arena, or no passes");

  if (chosen.sample != 0 && !zmm::set_sampling(zmm::default_request_pool(), chosen.sample))
    throw std::invalid_argument("nothing is sampled in this build");
  auto requests = shop::read_recorded(chosen.data);
  if (!chosen.only.empty())
    requests.erase(std::remove_if(requests.begin(), requests.end(), [&](auto& r) { return r.kind != chosen.only; }),
                   requests.end());
  if (requests.empty()) throw std::invalid_argument("no requests of that kind");

  shop::content const loaded{chosen.data, chosen.data + "/text.txt"};
  shop::service const from{loaded, nullptr};
  reset_peak_rss();
  std::cout << (chosen.count ? counted(requests, *arena, from) : timed(requests, *arena, from, chosen.passes)) << '\n';
  return 0;
} catch (std::exception const& error) {
  std::cerr << "request_replay: " << error.what() << '\n';
  return 2;
}
