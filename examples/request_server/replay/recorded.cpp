#include "recorded.hpp"

#include "../content/content.hpp"

#include <random>
#include <string_view>
#include <utility>

namespace shop {

namespace {

template <class Use> void for_each_line(std::string_view text, Use use) {
  while (!text.empty()) {
    auto const line = text.substr(0, text.find('\n'));
    if (!line.empty()) use(line);
    text.remove_prefix(line.size() < text.size() ? line.size() + 1 : line.size());
  }
}

constexpr char common_fields[] = "Host: 127.0.0.1\r\n"
                                 "User-Agent: recorded/1\r\n"
                                 "Accept: application/json, text/html;q=0.9\r\n"
                                 "Accept-Encoding: identity\r\n"
                                 "X-Request-Id: 7f1d4c1e-62a0-4b6e-9a51-0c2f8f5f7c11\r\n";

std::string post(std::string const& path, std::string_view body) {
  std::string wire = "POST " + path + " HTTP/1.1\r\n" + common_fields;
  wire += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return wire.append(body);
}

std::string get(std::string const& target) { return "GET " + target + " HTTP/1.1\r\n" + common_fields + "\r\n"; }

std::string joined_by_plus(std::string_view words) {
  std::string out{words};
  for (char& c : out)
    if (c == ' ') c = '+';
  return out;
}

}  // namespace

std::vector<recorded_request> read_recorded(std::string const& data_folder) {
  std::vector<recorded_request> out;
  for_each_line(read_file(data_folder + "/orders.jsonl"), [&](std::string_view body) {
    out.push_back({"orders", post("/orders/report", body)});
  });
  for_each_line(read_file(data_folder + "/pages.jsonl"), [&](std::string_view body) {
    out.push_back({"page", post("/page", body)});
  });
  for_each_line(read_file(data_folder + "/searches.txt"), [&](std::string_view words) {
    out.push_back({"search", get("/search?q=" + joined_by_plus(words))});
  });
  std::mt19937 order{2026};
  for (std::size_t i = out.size(); i > 1; --i) std::swap(out[i - 1], out[order() % i]);
  return out;
}

}  // namespace shop
