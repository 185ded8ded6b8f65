// What the tests of the request server share.
#pragma once

#include "content/content.hpp"
#include "replay/replay.hpp"

#include <string>
#include <string_view>

namespace shop_test {

/// The shipped data, loaded once.
inline shop::content const& loaded() {
  static shop::content const all{SHOP_DATA_FOLDER, SHOP_DATA_FOLDER "/text.txt"};
  return all;
}

inline std::vector<shop::recorded_request> const& recorded() {
  static auto const all = shop::read_recorded(SHOP_DATA_FOLDER);
  return all;
}

struct answer {
  unsigned status;
  std::string bytes;  // the whole response
  std::string body() const { return bytes.substr(bytes.find("\r\n\r\n") + 4); }
  bool has(std::string_view text) const { return bytes.find(text) != std::string::npos; }
};

inline answer ask(std::string_view wire, shop::worker_memory& worker, shop::request_limits const& limits = {}) {
  shop::service const from{loaded(), nullptr};
  std::vector<char> out;
  auto const status = shop::replay(wire, worker, from, limits, out).status;
  return {status, std::string(out.begin(), out.end())};
}

inline answer ask(std::string_view wire, shop::arena_kind arena = shop::arena_kind::zmm,
                  shop::request_limits const& limits = {}) {
  shop::worker_memory worker{arena};
  return ask(wire, worker, limits);
}

inline std::string post(std::string_view path, std::string_view body) {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

inline std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n\r\n";
}

/// An order report over `lines` lines: a body of about 60 bytes a line.
inline std::string orders(std::size_t lines) {
  std::string body = R"({"orders":[{"id":1,"customer":"Ada","lines":[)";
  for (std::size_t i = 0; i < lines; ++i) {
    if (i != 0) body += ',';
    body += R"({"sku":"S-)" + std::to_string(i) + R"(","name":"thing","quantity":2,"price":150})";
  }
  return body + "]}]}";
}

}  // namespace shop_test
