// request_threads: the recorded requests on several threads at once, with one pool for all and with a pool for each, in
// turn in one process. Prints one JSON object. A ratio is the cost with separate pools over that with the shared pool: 1
// means that sharing costs nothing, less that it costs something.
#include "content/content.hpp"
#include "replay/replay.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/program_options.hpp>

#include <algorithm>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

namespace po = boost::program_options;
namespace json = boost::json;

struct settings {
  std::string data, only;
  unsigned threads = 2, passes = 3, rounds = 15;
};

po::options_description described(settings& out) {
  po::options_description options("request_threads: one pool for all threads against a pool for each");
  auto add = options.add_options();
  add("help", "show this text");
  add("threads", po::value(&out.threads)->default_value(2), "threads that replay at once");
  add("passes", po::value(&out.passes)->default_value(3), "times that each thread replays all requests in a round");
  add("rounds", po::value(&out.rounds)->default_value(15), "rounds; the medians are printed");
  add("only", po::value(&out.only), "requests of one kind: orders, page or search");
  add("data", po::value(&out.data)->default_value(SHOP_DATA_FOLDER), "folder of the recorded requests");
  return options;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  std::size_t const middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

struct figures {
  void add(shop::threads_cost const& cost) {
    wall.push_back(cost.wall_microseconds);
    cpu.push_back(cost.cpu_microseconds);
  }
  json::object told() const { return {{"wall_us", median(wall)}, {"cpu_us", median(cpu)}}; }

  std::vector<double> wall, cpu;
};

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
  if (chosen.threads == 0 || chosen.passes == 0 || chosen.rounds == 0) throw std::invalid_argument("nothing to do");

  auto requests = shop::read_recorded(chosen.data);
  if (!chosen.only.empty())
    requests.erase(std::remove_if(requests.begin(), requests.end(), [&](auto& r) { return r.kind != chosen.only; }),
                   requests.end());
  if (requests.empty()) throw std::invalid_argument("no requests of that kind");
  shop::content const loaded{chosen.data, chosen.data + "/text.txt"};
  shop::service const from{loaded, nullptr};

  figures shared, own;
  for (unsigned round = 0; round < chosen.rounds; ++round)
    for (unsigned turn = 0; turn < 2; ++turn) {
      bool const is_shared = (round + turn) % 2 == 0;
      auto const cost = shop::time_threads(requests, from, chosen.threads, is_shared, chosen.passes);
      (is_shared ? shared : own).add(cost);
    }
  std::cout << json::object{{"threads", chosen.threads},
                            {"rounds", chosen.rounds},
                            {"shared", shared.told()},
                            {"own", own.told()},
                            {"wall_ratio", median(own.wall) / median(shared.wall)},
                            {"cpu_ratio", median(own.cpu) / median(shared.cpu)}}
            << '\n';
  return 0;
} catch (std::exception const& error) {
  std::cerr << "request_threads: " << error.what() << '\n';
  return 2;
}
