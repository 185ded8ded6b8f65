// Whole Beast requests and responses with their JSON, of many sizes and in pieces: in an arena and on std::allocator they
// come out the same, and once the pool is warm the arena calls no global `new`.
#include <zmm/allocator.hpp>
#include <zmm/boost.hpp>

#include "../examples/support/count_new.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <tuple>

namespace {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;

/// Answers `received`, which comes in pieces, into `wire`. Returns: the bytes written there.
template <class Allocator>
std::size_t serve(std::string const& received, std::size_t piece, Allocator from, json::storage_ptr const& memory,
                  asio::mutable_buffer wire) {
  using body = http::basic_string_body<char, std::char_traits<char>, Allocator>;
  using fields = http::basic_fields<Allocator>;
  std::tuple<Allocator> const each{from};
  beast::error_code error;

  beast::basic_flat_buffer<Allocator> read{from};
  http::request_parser<body, Allocator> parser{std::piecewise_construct, each, each};
  parser.body_limit(64 << 20);
  parser.eager(true);
  for (std::size_t at = 0; at < received.size();) {
    std::size_t const n = asio::buffer_copy(read.prepare(piece), asio::buffer(received) + at);
    read.commit(n), at += n;
    read.consume(parser.put(read.data(), error));
    if (error && error != http::error::need_more) return 0;
  }

  json::parser reader{memory};
  reader.reset(memory);
  reader.write(parser.get().body());
  json::value document = reader.release();
  document.as_object()["count"] = document.at("items").as_array().size();
  document.at("items").as_array().resize(document.at("items").as_array().size() / 2);

  http::response<body, fields> response{std::piecewise_construct, each, each};
  response.set(http::field::content_type, "application/json");
  for (auto const& field : parser.get()) response.insert(field.name_string(), field.value());
  response.body().resize(received.size() + 100);
  json::serializer writer;
  writer.reset(&document);
  response.body().resize(writer.read(response.body().data(), response.body().size()).size());
  response.prepare_payload();
  http::response_serializer<body, fields> sender{response};
  std::size_t sent = 0;
  sender.next(error, [&](auto&, auto const& pieces) { sent = asio::buffer_copy(wire, pieces); });
  return sent;
}

std::size_t serve_in_arena(std::string const& received, std::size_t piece, asio::mutable_buffer wire) {
  zmm::dual_resource<zmm::request_heap> arena;
  std::size_t const sent = serve(received, piece, zmm::allocator<char, zmm::request_heap>{arena.heap()}, &arena, wire);
  arena.verify();
  return arena.stats().size == 0 ? sent : 0;
}

std::string request_of(std::size_t items) {
  std::string text = R"({"items":[)";
  for (std::size_t i = 0; i < items; ++i)
    text +=
        (i == 0 ? "" : ",") + (R"({"name":"an item of some length","price":)" + std::to_string(i)) + ",\"no\":null}";
  text += "]}";
  std::string head = "POST /orders HTTP/1.1\r\nContent-Length: " + std::to_string(text.size()) + "\r\n";
  for (std::size_t i = 0; i < 20; ++i)
    head += "X-Field-" + std::to_string(i) + ": " + std::string(i * 10, 'x') + "\r\n";
  return head + "\r\n" + text;
}
}  // namespace

int main() {
  bool right = true;
  for (unsigned items : {0u, 1u, 10u, 100u, 1000u, 20000u}) {
    std::string const request = request_of(items);
    std::string expected(request.size() + 1000, ' '), answer = expected;
    for (std::size_t piece : {request.size(), std::size_t{1500}, std::size_t{997}}) {
      std::size_t const n = serve(request, piece, std::allocator<char>(), {}, asio::buffer(expected));
      for (int round = 0; round < 3; ++round) {
        std::size_t const before = support::news();
        std::size_t const m = serve_in_arena(request, piece, asio::buffer(answer));
        std::size_t const news = support::news() - before;
        if (n != 0 && n == m && expected == answer && (round == 0 || news == 0)) continue;
        std::printf("%u items in pieces of %zu: %zu and %zu bytes, %zu calls of new\n", items, piece, n, m, news);
        right = false;
      }
    }
  }
  if (right) std::puts("ok");
}
