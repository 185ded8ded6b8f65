// request_server: an HTTP/1.1 server on 127.0.0.1 whose requests live in zmm arenas.
#include "content/content.hpp"
#include "server/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/program_options.hpp>

#include <csignal>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

namespace {

namespace po = boost::program_options;

struct settings {
  shop::server_options server;
  std::string data;
  std::string text;
};

po::options_description described(settings& out) {
  po::options_description options("request_server: orders, search and pages over HTTP on 127.0.0.1");
  auto add = options.add_options();
  add("help", "show this text");
  add("arena", po::value<std::string>()->default_value("zmm"),
      "where requests live: zmm, checked, hardened, debug, sampled, new, monotonic or pool");
  add("memory-limit", po::value(&out.server.memory_limit)->default_value(shop::no_limit),
      "bytes a request may take, 0 = no limit; beyond, it is answered 413 (those of zmm only)");
  add("max-body", po::value(&out.server.limits.body_bytes)->default_value(out.server.limits.body_bytes),
      "bytes of the largest body accepted");
  add("threads", po::value(&out.server.threads)->default_value(out.server.threads), "worker threads");
  add("port", po::value(&out.server.port)->default_value(8080), "port; 0 = a free one, printed");
  add("data", po::value(&out.data)->default_value(SHOP_DATA_FOLDER), "folder of page.html and sample.json");
  add("text", po::value(&out.text), "text to search; default: text.txt of the data folder");
  return options;
}

/// Returns: false if help was asked for and shown. Throws if the arguments are wrong.
bool read_arguments(int argc, char** argv, settings& out) {
  auto const options = described(out);
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, options), given);
  if (given.count("help") != 0) {
    std::cout << options;
    return false;
  }
  po::notify(given);
  auto const name = given["arena"].as<std::string>();
  auto const arena = shop::arena_named(name);
  if (!arena) throw std::invalid_argument("there is no arena '" + name + "': zmm, checked, hardened, debug, sampled, new, monotonic or pool");
  out.server.arena = *arena;
  if (out.server.memory_limit != shop::no_limit && !shop::is_zmm(*arena))
    throw std::invalid_argument("--memory-limit needs --arena=zmm, checked, hardened, debug or sampled");
  if (out.server.threads == 0) throw std::invalid_argument("--threads is at least 1");
  if (out.text.empty()) out.text = out.data + "/text.txt";
  return true;
}

}  // namespace

int main(int argc, char** argv) try {
  settings chosen;
  if (!read_arguments(argc, argv, chosen)) return 0;

  // Before the port is announced: a program that reads it may send a signal at once.
  boost::asio::io_context signals;
  boost::asio::signal_set asked_to_stop{signals, SIGINT, SIGTERM};
  asked_to_stop.async_wait([](boost::system::error_code, int) {});

  shop::content const loaded{chosen.data, chosen.text};
  shop::server running{chosen.server, loaded};
  std::cout << "listening on http://127.0.0.1:" << running.port() << " (" << shop::name_of(chosen.server.arena) << ", "
            << chosen.server.threads << " threads, " << loaded.index.paragraphs() << " paragraphs)" << std::endl;
  signals.run();
  return 0;
} catch (std::exception const& error) {
  std::cerr << "request_server: " << error.what() << '\n';
  return 2;
}
