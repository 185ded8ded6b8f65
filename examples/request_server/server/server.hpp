// The listening socket and the worker threads behind it.
#pragma once

#include "session.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace shop {

struct server_options {
  arena_kind arena = arena_kind::zmm;
  std::size_t memory_limit = no_limit;
  request_limits limits;
  unsigned threads = 2;
  std::uint16_t port = 0;  ///< 0: one that is free
};

/// Serves on 127.0.0.1 from its construction to its destruction. Each worker gets a connection in turn and keeps it: so a
/// request and its arena stay on one thread.
class server {
public:
  /// Throws boost::system::system_error when the port is not available.
  server(server_options const&, content const&);

  /// Stops as stop() does and waits for the workers.
  ~server();
  server(server const&) = delete;
  server& operator=(server const&) = delete;

  std::uint16_t port() const noexcept { return port_; }

  /// Accepts no more connections, and ends each existing one after its current response, or after a few seconds. From any
  /// thread; returns at once.
  void stop();

private:
  class worker;
  using tcp = boost::asio::ip::tcp;
  using acceptor = boost::asio::basic_socket_acceptor<tcp, boost::asio::io_context::executor_type>;

  boost::asio::io_context& first_context(server_options const&);  // makes the workers
  void accept();

  statistics remembered_;
  service service_;
  std::vector<std::unique_ptr<worker>> workers_;
  acceptor acceptor_;  // this and the rest belong to the first worker's thread
  boost::asio::steady_timer pause_;
  std::uint16_t port_ = 0;
  std::size_t next_ = 0;
};

}  // namespace shop
