// A parsed document: a tree of values built from pmr containers, as a JSON parser builds one, and the text it is built
// from.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "random.hpp"

namespace bench {

// Objects keep their members in order, in a vector, as most parsers do.
struct document_value {
  using array = std::pmr::vector<document_value>;
  using object = std::pmr::vector<std::pair<std::pmr::string, document_value>>;
  std::variant<std::monostate, double, std::pmr::string, array, object> content;
};

// An order report of `orders` orders: objects of seven members, names and notes of 5 to 80 characters, 1 to 6 items
// each.
inline std::string order_report(std::size_t orders) {
  random_source random{6};
  auto const word = [&](std::size_t first, std::size_t last) {
    std::string text(random.between(first, last), ' ');
    for (auto& c : text) c = static_cast<char>('a' + random.between(0, 25));
    return "\"" + text + "\"";
  };
  std::string text = "[";
  for (std::size_t i = 0; i < orders; ++i) {
    text += (i ? "," : "") + std::string{"{\"number\":"} + std::to_string(i) + ",\"customer\":" + word(5, 40) +
            ",\"city\":" + word(5, 20) + ",\"note\":" + word(10, 80) +
            ",\"paid\":" + std::to_string(random.between(0, 1)) + ",\"items\":[";
    for (std::size_t items = random.between(1, 6); items > 0; --items) {
      text += "{\"product\":" + word(8, 30) + ",\"pieces\":" + std::to_string(random.between(1, 99)) +
              ",\"price\":" + std::to_string(random.between(1, 9999)) + (items > 1 ? "}," : "}");
    }
    text += "],\"tags\":[" + word(3, 12) + "," + word(3, 12) + "]}";
  }
  return text + "]";
}

// Parses the subset of JSON that order_report writes: arrays, objects, whole numbers, strings without escapes, no white
// space.
class document_parser {
public:
  document_parser(std::string_view text, std::pmr::memory_resource* resource) noexcept
      : at_{text.data()}, resource_{resource} {}

  document_value parse() {
    switch (*at_) {
    case '[': return {parse_array()};
    case '{': return {parse_object()};
    case '"': return {parse_string()};
    default: return {parse_number()};
    }
  }

private:
  double parse_number() noexcept {
    double value = 0;
    for (; *at_ >= '0' && *at_ <= '9'; ++at_) value = value * 10 + (*at_ - '0');
    return value;
  }
  std::pmr::string parse_string() {
    char const* const start = ++at_;
    while (*at_ != '"') ++at_;
    return {start, static_cast<std::size_t>(at_++ - start), resource_};
  }
  document_value::array parse_array() {
    document_value::array result{resource_};
    for (++at_; *at_ != ']'; at_ += *at_ == ',') result.push_back(parse());
    ++at_;
    return result;
  }
  document_value::object parse_object() {
    document_value::object result{resource_};
    for (++at_; *at_ != '}'; at_ += *at_ == ',') {
      auto key = parse_string();
      ++at_;  // the colon
      result.emplace_back(std::move(key), parse());
    }
    ++at_;
    return result;
  }

  char const* at_;
  std::pmr::memory_resource* resource_;
};

}  // namespace bench
