// An HTTP request, its response and their JSON in one arena, with Boost.Beast: no `new` once the pool is warm.
#include <zmm/allocator.hpp>
#include <zmm/boost.hpp>

#include <boost/beast/http.hpp>
#include <boost/json.hpp>

#include "support/count_new.hpp"

#include <cstdio>
#include <string>
#include <tuple>

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;
using in_arena = zmm::allocator<char, zmm::request_heap>;
using body = http::basic_string_body<char, std::char_traits<char>, in_arena>;

/// Answers what was `received`. Returns: the bytes written to `wire`.
static std::size_t serve(asio::const_buffer received, asio::mutable_buffer wire) {
  zmm::dual_resource<zmm::request_heap> arena;
  std::tuple<in_arena> const from{arena.heap()};  // body and fields each take an allocator, hence twice
  boost::beast::error_code error;
  http::request_parser<body, in_arena> parser{std::piecewise_construct, from, from};
  parser.eager(true);
  parser.put(received, error);
  if (error) throw boost::beast::system_error{error};
  json::parser reader{&arena};
  reader.reset(&arena);
  reader.write(parser.get().body());
  json::value const order = reader.release();
  json::value const answer({{"for", order.at("customer")}, {"items", order.at("items").as_array().size()}}, &arena);
  http::response<body, http::basic_fields<in_arena>> response{std::piecewise_construct, from, from};
  response.body().resize(1000);
  json::serializer writer;
  writer.reset(&answer);
  response.body().resize(writer.read(response.body().data(), 1000).size());
  response.prepare_payload();
  http::response_serializer<body, http::basic_fields<in_arena>> sender{response};
  std::size_t sent = 0;  // header and body at once
  sender.next(error, [&](auto&, auto const& pieces) { sent = asio::buffer_copy(wire, pieces); });
  return sent;
}

int main() {
  std::string const post = "POST / HTTP/1.1\r\nContent-Length: 55\r\n\r\n"
                           R"({"customer": "somebody", "items": ["kettle", 2, "cup"]})";
  char wire[1000];
  std::string const text(wire, serve(asio::buffer(post), asio::buffer(wire)));
  std::printf("%s\n", text.c_str() + text.find('{'));
  std::size_t const before = support::news();
  for (int i = 0; i < 1000; ++i) (void)serve(asio::buffer(post), asio::buffer(wire));
  std::printf("1000 more requests: %zu calls of new\n", support::news() - before);
  return before == 0;  // only main's own strings called it
}

// prints: {"for":"somebody","items":3}
// prints: 1000 more requests: 0 calls of new
