// One keep-alive connection.
#pragma once

#include "../http/exchange.hpp"
#include "statistics.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/basic_stream.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_set>

namespace shop {

class session;

/// The data that the connections of one worker share. Only the worker's thread uses it.
struct session_host {
  worker_memory& memory;
  service const& from;
  request_limits limits;
  statistics& remembered;
  std::unordered_set<session*> open;
  std::function<void()> on_last_end;  // empty unless the worker is stopping
};

/// Reads requests one after the other and answers them. A connection that waits for its next request holds no memory but
/// its own object: the arena begins when the first byte can be read, and ends when the last byte of the response is
/// written. Lives as long as one of its operations is pending.
///
///   wait -> begin -> read -> … -> write -> finish -> wait          keep-alive
///                                          finish -> linger        last request of the connection
class session : public std::enable_shared_from_this<session> {
public:
  using socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

  session(socket, session_host&);
  ~session();
  session(session const&) = delete;
  session& operator=(session const&) = delete;

  void run() { wait(); }

  /// Closes the connection now if it waits for a request, else after the response.
  void stop() noexcept;

private:
  using error_code = boost::beast::error_code;
  using stream = boost::beast::basic_stream<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

  void wait();
  void begin(std::string_view first);
  void read();
  void write();
  void finish(std::size_t written);
  void linger();
  void close() noexcept;

  stream stream_;
  session_host& host_;
  std::optional<exchange> current_;  // while a request is being read or answered
  std::chrono::steady_clock::time_point begun_;
  std::array<char, 4096> discarded_;
  std::size_t still_discarded_ = 0;
  bool stopping_ = false;
};

}  // namespace shop
