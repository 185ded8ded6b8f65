#include "driver.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include <algorithm>
#include <chrono>
#include <future>
#include <stdexcept>

namespace shop {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;

client::client(std::uint16_t port) {
  socket_.connect({boost::asio::ip::address_v4::loopback(), port});
  socket_.set_option(tcp::no_delay(true));
}

void client::send(std::string_view wire) { boost::asio::write(socket_, boost::asio::buffer(wire)); }

client::answer client::receive() {
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  http::read(socket_, read_, parser);
  return parser.release();
}

std::string client::receive_exactly(std::size_t bytes) {
  std::string out(bytes, '\0');
  boost::asio::read(socket_, boost::asio::buffer(out));
  return out;
}

bool client::ended() {
  char byte;
  boost::system::error_code error;
  return socket_.read_some(boost::asio::buffer(&byte, 1), error) == 0;
}

namespace {

using clock = std::chrono::steady_clock;

double microseconds(clock::duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

std::vector<double> latencies_of(std::uint16_t port, std::vector<recorded_request> const& requests, std::size_t first,
                                 unsigned passes) {
  client connection{port};
  std::vector<double> out;
  out.reserve(requests.size() * passes);
  for (std::size_t i = 0; i < requests.size() * passes; ++i) {
    auto const& request = requests[(first + i) % requests.size()];
    auto const begun = clock::now();
    auto const answer = connection.ask(request.wire);
    out.push_back(microseconds(clock::now() - begun));
    if (answer.result() != http::status::ok)
      throw std::runtime_error("status " + std::to_string(answer.result_int()) + " for " + request.wire.substr(0, 80));
  }
  return out;
}

}  // namespace

load_result drive(std::uint16_t port, std::vector<recorded_request> const& requests, unsigned connections,
                  unsigned passes) {
  auto const begun = clock::now();
  std::vector<std::future<std::vector<double>>> running;
  for (unsigned i = 0; i < connections; ++i)
    running.push_back(std::async(std::launch::async, latencies_of, port, std::cref(requests),
                                 i * requests.size() / connections, passes));
  std::vector<double> all;
  for (auto& one : running) {
    auto const some = one.get();
    all.insert(all.end(), some.begin(), some.end());
  }
  double const took = microseconds(clock::now() - begun);
  std::sort(all.begin(), all.end());
  return {static_cast<double>(all.size()) / took * 1e6, all[all.size() / 2], all[all.size() * 99 / 100]};
}

}  // namespace shop
