// request_scrape: what it costs to read a busy server's figures. Starts the server, has two connections send the recorded requests
// one after the other, and reads its pages about memory again and again: every second half of a second, so that requests with
// and without a reader beside them are of the same minutes. Prints quantiles; fails if figures contradict each other.
#include "demo/child.hpp"
#include "demo/driver.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;
using samples = std::vector<double>;

double microseconds_since(clock_type::time_point begin) {
  return std::chrono::duration<double, std::micro>(clock_type::now() - begin).count();
}
double quantile(samples& of, double part) {
  if (of.empty()) return 0;
  std::sort(of.begin(), of.end());
  return of[std::min(of.size() - 1, static_cast<std::size_t>(part * static_cast<double>(of.size())))];
}
void print(char const* what, samples& of) {
  std::printf("%-28s %8zu %9.0f %9.0f %9.0f %9.0f %9.0f\n", what, of.size(), quantile(of, 0.5), quantile(of, 0.9), quantile(of, 0.99),
              quantile(of, 0.999), quantile(of, 1));
}
std::string get(char const* path) { return std::string("GET ") + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n"; }

/// The value of a sample in OpenMetrics text; -1: there is none.
double metric(std::string const& text, std::string const& name) {
  std::size_t const at = text.find("\n" + name);
  if (at == std::string::npos) return -1;
  std::size_t const end = text.find('\n', at + 1), value = text.rfind(' ', end);
  return std::stod(text.substr(value + 1, end - value - 1));
}

/// What has to hold of each scrape, and from one to the next. Throws.
class consistency {
public:
  void see_json(std::string const& body) {
    auto const parsed = boost::json::parse(body);
    auto const& figures = parsed.at("figures").as_object();
    auto const number = [&](char const* name) { return figures.at(name).to_number<double>(); };
    double in_flight = number("in_flight");
    demand(number("real_size") <= number("real_peak"), "real_size <= real_peak");
    demand(in_flight >= 1 && in_flight <= 3, "two requests and the scrape are in flight at most");
    demand(number("used") <= number("real_size"), "used <= real_size");
    demand(number("ended") >= ended_, "ended requests only grow");
    ended_ = number("ended");
    double lent = 0;
    for (auto const& area : parsed.at("areas").as_object()) {
      double const bytes = area.value().at("bytes").to_number<double>();
      demand(area.value().at("live_bytes").to_number<double>() <= bytes, "live bytes <= bytes of an area");
      lent += bytes;
    }
    demand(lent <= number("real_peak"), "areas <= real_peak");
  }
  void see_metrics(std::string const& body) {
    double const ended = metric(body, "zmm_pool_requests_total");
    demand(body.size() > 6 && body.compare(body.size() - 6, 6, "# EOF\n") == 0, "metrics end with # EOF");
    demand(ended < 0 || ended >= ended_, "ended requests of /metrics only grow");
    if (ended >= 0) ended_ = ended;
  }
  void see(std::size_t which, std::string const& body) {
    if (which == 1) see_json(body);
    if (which == 2) see_metrics(body);
    if (which == 0) demand(body.size() > 8 && body.find("</html>") != std::string::npos, "the page is whole");
    if (which == 3) demand(body.size() > 2 && static_cast<unsigned char>(body[0]) == 0x1F, "the profile is gzipped");
  }

private:
  static void demand(bool holds, char const* what) {
    if (!holds) throw std::runtime_error(std::string("a scrape contradicts itself: ") + what);
  }
  double ended_ = 0;
};

constexpr char const* pages[] = {"/heap", "/heap.json", "/metrics", "/debug/pprof/heap"};

}  // namespace

int main(int argc, char** argv) try {
  std::string const arena = argc > 1 ? argv[1] : "sampled";
  double const seconds = argc > 2 ? std::stod(argv[2]) : 20;
  shop::child server({SHOP_SERVER, "--arena=" + arena, "--threads=2", "--port=0"});
  std::string const line = server.read_line();
  auto const port = static_cast<std::uint16_t>(std::stoul(line.substr(line.find("127.0.0.1:") + 10)));
  auto const requests = shop::read_recorded(SHOP_DATA_FOLDER);

  std::atomic<bool> stop{false}, scrapes{false};
  std::atomic<int> failures{0};
  samples alone[2], beside[2], scrape[4];
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      try {
        shop::client own(port);
        for (std::size_t i = t * 97; !stop; ++i) {
          bool const before = scrapes;
          auto const begin = clock_type::now();
          if (own.ask(requests[i % requests.size()].wire).result_int() != 200) ++failures;
          double const took = microseconds_since(begin);
          if (before == scrapes) (before ? beside : alone)[t].push_back(took);
        }
      } catch (std::exception const&) {
        ++failures;
      }
    });
  }
  consistency seen;
  shop::client reader(port);
  auto const begin = clock_type::now();
  for (std::size_t i = 0; microseconds_since(begin) < seconds * 1e6; ++i) {
    bool const on = static_cast<std::size_t>(microseconds_since(begin) / 5e5) % 2 == 1;
    scrapes = on;
    if (!on) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      continue;
    }
    auto const from = clock_type::now();
    auto const answer = reader.ask(get(pages[i % 4]));
    scrape[i % 4].push_back(microseconds_since(from));
    if (answer.result_int() != 200) ++failures;
    seen.see(i % 4, answer.body());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  stop = true;
  for (std::thread& t : threads) t.join();
  server.signal(SIGTERM);
  server.wait();

  for (samples* each : {alone, beside}) each[0].insert(each[0].end(), each[1].begin(), each[1].end());
  std::printf("--arena=%s, microseconds %17s %9s %9s %9s %9s %9s\n", arena.c_str(), "number", "p50", "p90", "p99", "p99.9", "max");
  print("a request, nobody reads", alone[0]);
  print("a request, one reads", beside[0]);
  for (std::size_t i = 0; i < 4; ++i) print(pages[i], scrape[i]);
  double const later = quantile(beside[0], 0.999) - quantile(alone[0], 0.999);
  std::printf("p99.9 of requests beside a reader: %+.0f us; figures are consistent in %zu scrapes; %d failures\n", later,
              scrape[0].size() + scrape[1].size() + scrape[2].size() + scrape[3].size(), failures.load());
  return failures == 0 ? 0 : 1;
} catch (std::exception const& error) {
  std::cerr << "request_scrape: " << error.what() << '\n';
  return 2;
}
