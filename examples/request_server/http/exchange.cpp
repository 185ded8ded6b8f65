#include "exchange.hpp"

#include "refusals.hpp"

#include <boost/beast/core/buffers_range.hpp>

#include <algorithm>
#include <cstring>
#include <new>

namespace shop {

namespace {

constexpr std::size_t header_read = 2 * 1024;  // most requests arrive whole in one read
constexpr std::size_t body_read = 64 * 1024;

http::status status_of(boost::beast::error_code error) noexcept {
  if (error == http::error::header_limit) return http::status::request_header_fields_too_large;
  if (error == http::error::body_limit || error == http::error::buffer_overflow) return http::status::payload_too_large;
  return http::status::bad_request;
}

}  // namespace

exchange::exchange(worker_memory& worker, service const& from, request_limits const& limits, std::string_view first)
    : memory_(worker),
      memory_limit_(worker.limit()),
      from_(from),
      read_(limits.header_bytes + body_read, arena_allocator<char>(memory_.resource())),
      parser_(std::piecewise_construct, std::make_tuple(arena_allocator<char>(memory_.resource())),
              std::make_tuple(arena_allocator<char>(memory_.resource()))) {
  parser_.header_limit(limits.header_bytes);
  parser_.body_limit(limits.body_bytes);
  if (first.empty()) return;
  guarded([&] {
    auto const room = read_.prepare(first.size());
    std::memcpy(room.data(), first.data(), first.size());
    read_.commit(first.size());
    parse();
  });
}

/// Runs a step; an exception it throws becomes the answer.
template <class Step> void exchange::guarded(Step step) noexcept {
  try {
    step();
  } catch (zmm::memory_limit_exceeded const& passed) {
    refuse(passed.limit() == memory_limit_ ? http::status::payload_too_large : http::status::service_unavailable);
  } catch (std::bad_alloc const&) { refuse(http::status::service_unavailable); } catch (std::exception const&) {
    refuse(http::status::internal_server_error);
  }
}

boost::asio::mutable_buffer exchange::space() noexcept {
  boost::asio::mutable_buffer room;
  guarded([&] {
    std::size_t wanted = header_read;
    if (parser_.is_header_done()) {
      auto const rest = parser_.content_length_remaining().value_or(header_read);
      wanted = static_cast<std::size_t>(std::clamp<std::uint64_t>(rest, 1, body_read));
    }
    room = read_.prepare(std::min(wanted, read_.max_size() - read_.size()));
  });
  return room;
}

void exchange::received(std::size_t bytes) noexcept {
  read_.commit(bytes);
  guarded([this] { parse(); });
}

void exchange::parse() {
  while (read_.size() != 0) {
    boost::beast::error_code error;
    std::size_t const used = parser_.put(read_.data(), error);
    read_.consume(used);
    bytes_read_ += used;
    if (error == http::error::need_more) return;
    if (error) return refuse(status_of(error));
    if (parser_.is_done()) return answer();
  }
}

void exchange::answer() {
  if (char const* const endpoint = endpoint_of(parser_.get())) memory_.label(endpoint);
  response_.emplace(respond(parser_.get(), from_, memory_.resource()));
  serializer_.emplace(*response_);
  keep_alive_ = response_->keep_alive();
  status_ = response_->result_int();
}

void exchange::refuse(http::status status) noexcept {
  keep_alive_ = parser_.is_done() && parser_.get().keep_alive();
  refusal_ = refusal(status, keep_alive_);
  status_ = static_cast<unsigned>(status);
}

bool exchange::take_continue() noexcept {
  if (continued_ || answered() || !parser_.is_header_done()) return false;
  auto const expected = parser_.get()[http::field::expect];
  continued_ = boost::beast::iequals(expected, "100-continue");
  return continued_;
}

exchange::output_buffers exchange::output() noexcept {
  output_buffers out;
  if (!refusal_.empty()) {
    out.emplace_back(refusal_.data(), refusal_.size());
    return out;
  }
  boost::beast::error_code error;
  serializer_->next(error, [&out](boost::beast::error_code&, auto const& buffers) {
    for (boost::asio::const_buffer piece : boost::beast::buffers_range_ref(buffers))
      if (piece.size() != 0) out.push_back(piece);
  });
  return out;
}

std::string_view exchange::left_over() const noexcept {
  auto const rest = read_.data();
  return {static_cast<char const*>(rest.data()), rest.size()};
}

std::string_view exchange::method() const noexcept {
  if (!parser_.is_header_done()) return {};
  auto const text = parser_.get().method_string();
  return {text.data(), text.size()};
}

std::string_view exchange::target() const noexcept {
  if (!parser_.is_header_done()) return {};
  auto const text = parser_.get().target();
  return {text.data(), text.size()};
}

}  // namespace shop
