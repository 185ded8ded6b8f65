// A load generator: recorded requests over keep-alive connections to 127.0.0.1.
#pragma once

#include "../replay/recorded.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shop {

/// A blocking connection. Members throw boost::system::system_error when the server closes it early.
class client {
public:
  using answer = boost::beast::http::response<boost::beast::http::string_body>;

  explicit client(std::uint16_t port);

  void send(std::string_view wire);
  answer receive();
  answer ask(std::string_view wire) {
    send(wire);
    return receive();
  }

  /// The next bytes as they come, no more and no less.
  std::string receive_exactly(std::size_t bytes);

  /// Whether the server has closed the connection: waits for its next byte or its end.
  bool ended();

private:
  boost::asio::io_context context_;
  boost::asio::ip::tcp::socket socket_{context_};
  boost::beast::flat_buffer read_;
};

/// The figures of a round of load.
struct load_result {
  double requests_per_second;
  double p50_microseconds;
  double p99_microseconds;
};

/// Sends all requests `passes` times over each of `connections`. Each connection has its own thread, which starts at a
/// different request and waits for each answer before it sends the next one. Throws when an answer is not 200.
load_result drive(std::uint16_t port, std::vector<recorded_request> const&, unsigned connections, unsigned passes);

}  // namespace shop
