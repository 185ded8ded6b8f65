#include "session.hpp"

#include <boost/asio/write.hpp>

#include <string>

namespace shop {

namespace {

constexpr std::chrono::seconds patience{30};  // for one request to arrive, and for its response to leave
constexpr std::chrono::seconds last_patience{2};
constexpr std::size_t most_discarded = 4 * 1024 * 1024;
constexpr char continue_text[] = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

session::session(socket accepted, session_host& host) : stream_(std::move(accepted)), host_(host) {
  error_code ignored;
  stream_.socket().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  host_.open.insert(this);
}

session::~session() {
  host_.open.erase(this);
  if (host_.open.empty() && host_.on_last_end) host_.on_last_end();
}

void session::stop() noexcept {
  stopping_ = true;
  if (!current_) close();
}

void session::close() noexcept {
  error_code ignored;
  stream_.socket().close(ignored);
}

void session::wait() {
  stream_.socket().async_wait(socket::wait_read, [self = shared_from_this()](error_code error) {
    if (!error) self->begin({});
  });
}

void session::begin(std::string_view first) {
  begun_ = std::chrono::steady_clock::now();
  stream_.expires_after(patience);
  current_.emplace(host_.memory, host_.from, host_.limits, first);
  read();
}

void session::read() {
  if (current_->answered()) return write();
  if (current_->take_continue()) {
    return boost::asio::async_write(stream_, boost::asio::buffer(continue_text, sizeof continue_text - 1),
                                    [self = shared_from_this()](error_code error, std::size_t) {
                                      if (!error) self->read();
                                    });
  }
  auto const space = current_->space();
  if (current_->answered()) return write();
  stream_.async_read_some(space, [self = shared_from_this()](error_code error, std::size_t bytes) {
    if (error) return;  // the peer left, or took too long
    self->current_->received(bytes);
    self->read();
  });
}

void session::write() {
  boost::asio::async_write(stream_, current_->output(),
                           [self = shared_from_this()](error_code error, std::size_t bytes) {
                             if (!error) self->finish(bytes);
                           });
}

void session::finish(std::size_t written) {
  using namespace std::chrono;
  request_record record;
  request_record::copy(record.method, current_->method());
  request_record::copy(record.target, current_->target());
  record.status = current_->status();
  record.bytes_read = current_->bytes_read();
  record.bytes_written = written;
  record.bytes_held = is_zmm(host_.memory.kind()) ? current_->held_at_most() : 0;
  record.microseconds = duration_cast<microseconds>(steady_clock::now() - begun_).count();
  host_.remembered.add(record);

  bool const goes_on = current_->keep_alive() && !stopping_;
  // The next request of a peer that does not wait for answers; it moves to its own arena.
  std::string const first{goes_on ? current_->left_over() : std::string_view{}};
  current_.reset();
  stream_.expires_never();
  if (!goes_on) {
    error_code ignored;
    stream_.socket().shutdown(socket::shutdown_send, ignored);
    still_discarded_ = most_discarded;
    stream_.expires_after(last_patience);
    return linger();
  }
  first.empty() ? wait() : begin(first);
}

/// Reads what the peer still sends, so that closing does not reset the connection before the peer has the response.
void session::linger() {
  stream_.async_read_some(boost::asio::buffer(discarded_),
                          [self = shared_from_this()](error_code error, std::size_t bytes) {
                            if (error || bytes >= self->still_discarded_) return self->close();
                            self->still_discarded_ -= bytes;
                            self->linger();
                          });
}

}  // namespace shop
