// One request from its first byte to its response, without a socket. A session feeds it from the network, a replay from
// recorded bytes.
#pragma once

#include "../arena/arena.hpp"
#include "../handlers/handlers.hpp"
#include "types.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/container/static_vector.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace shop {

/// How large a request may be. A larger header gets 431, a larger body 413.
struct request_limits {
  std::uint32_t header_bytes = 8 * 1024;
  std::uint64_t body_bytes = 1024 * 1024;
};

/// Holds one request's arena, and in it the bytes read, the parsed request and the response. The arena ends with it.
///
///     exchange one{worker, from, limits};
///     while (!one.answered()) one.received(read_some(one.space()));
///     write(one.output());
///
/// No member throws. If the request is malformed or there is no memory, the answer says so: 413 if the request would pass
/// its own limit, 503 if its pool would pass the pool's limit or there is no memory at all. Only the constructor throws, if
/// the worker has no buffer for another request.
class exchange {
public:
  /// `first`: bytes of this request that arrived with the one before.
  exchange(worker_memory&, service const&, request_limits const&, std::string_view first = {});
  exchange(exchange const&) = delete;
  exchange& operator=(exchange const&) = delete;

  /// Room for the next bytes. Requires: !answered(). Empty only when there is no memory, and then it is answered().
  boost::asio::mutable_buffer space() noexcept;

  /// Takes the first `bytes` of the last space(); when they complete the request, answers it.
  void received(std::size_t bytes) noexcept;

  /// True once, when the peer waits for "100 Continue" before it sends the body.
  bool take_continue() noexcept;

  bool answered() const noexcept { return status_ != 0; }

  /// The response's bytes, valid while the exchange lives. Requires: answered().
  /// Three pieces of the status line, one for each field, an empty line, the body: a response of handlers has at most four
  /// fields.
  using output_buffers = boost::container::static_vector<boost::asio::const_buffer, 16>;
  output_buffers output() noexcept;

  /// Whether another request may follow on the connection: not after a request that was not read to its end.
  bool keep_alive() const noexcept { return keep_alive_; }

  /// Bytes read that belong to the next request.
  std::string_view left_over() const noexcept;

  unsigned status() const noexcept { return status_; }
  std::string_view method() const noexcept;
  std::string_view target() const noexcept;
  std::size_t bytes_read() const noexcept { return bytes_read_; }
  std::size_t held_at_most() const noexcept { return memory_.held_at_most(); }
  void verify() const { memory_.verify(); }

private:
  void parse();
  void answer();
  void refuse(http::status) noexcept;
  template <class Step> void guarded(Step) noexcept;

  request_memory memory_;  // first, so that it ends last
  std::size_t const memory_limit_;
  service const& from_;
  arena_buffer read_;
  request_parser parser_;
  std::optional<response> response_;
  std::optional<response_serializer> serializer_;
  std::string_view refusal_;
  std::size_t bytes_read_ = 0;
  unsigned status_ = 0;
  bool keep_alive_ = false;
  bool continued_ = false;
};

}  // namespace shop
