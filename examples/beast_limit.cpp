// An asynchronous server with a memory limit for each request: too large a body, or too much work, gets 413. Inside async_read, a
// limit would throw out of io_context::run. So Beast has its own limit for the body, and zmm's limit is set afterwards.
#include <zmm/allocator.hpp>
#include <zmm/request_resource.hpp>

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <cstdio>
#include <memory>

namespace http = boost::beast::http;
using tcp = boost::asio::ip::tcp;
using in_arena = zmm::allocator<char, zmm::request_heap>;
using body = http::basic_string_body<char, std::char_traits<char>, in_arena>;

struct session : std::enable_shared_from_this<session> {
  explicit session(tcp::socket s) : socket(std::move(s)) { parser.body_limit(64 << 10); }  // more is an error code, no exception
  void read() {
    http::async_read(socket, buffer, parser, [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
      if (!ec) self->work();
      else self->response.result(ec == http::error::body_limit ? http::status::payload_too_large : http::status::bad_request);
      self->response.prepare_payload();
      http::async_write(self->socket, self->response, [self](boost::system::error_code, std::size_t) {});
    });
  }
  void work() {
    if (!request.set_limit(1 << 20)) return;  // for the work of this function, which catches what it throws
    try {
      std::pmr::vector<char> copies{&request};
      for (int i = 0; i < 100; ++i) copies.insert(copies.end(), parser.get().body().begin(), parser.get().body().end());
    } catch (zmm::memory_limit_exceeded const&) { response.result(http::status::payload_too_large); }
    (void)request.set_limit(~std::size_t{0});
  }
  tcp::socket socket;
  boost::beast::flat_buffer buffer;
  zmm::request_resource request;
  std::tuple<in_arena> from{in_arena{request.heap()}};
  http::request_parser<body, in_arena> parser{std::piecewise_construct, from, from};
  http::response<http::empty_body> response;
};

int main() {
  boost::asio::io_context io, mine;
  tcp::acceptor acceptor(io, {boost::asio::ip::address_v4::loopback(), 0});
  for (std::size_t bytes : {1000, 20000, 100000}) {
    tcp::socket client(mine);
    client.connect(acceptor.local_endpoint());
    std::make_shared<session>(acceptor.accept())->read();
    std::string const text = "POST / HTTP/1.1\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n";
    boost::asio::write(client, boost::asio::buffer(text + std::string(bytes < 64 << 10 ? bytes : 0, 'x')));
    io.restart(), io.run();
    std::string status(12, ' ');
    boost::asio::read(client, boost::asio::buffer(status)), std::printf("%zu bytes: %s\n", bytes, status.c_str() + 9);
  }
}

// prints: 1000 bytes: 200
// prints: 20000 bytes: 413
// prints: 100000 bytes: 413
