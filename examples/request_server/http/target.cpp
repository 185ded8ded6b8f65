#include "target.hpp"

#include "request_error.hpp"

#include <charconv>

namespace shop {

target split_target(std::string_view text) noexcept {
  auto const mark = text.find('?');
  if (mark == std::string_view::npos) return {text, {}};
  return {text.substr(0, mark), text.substr(mark + 1)};
}

namespace {

char decoded_byte(std::string_view digits) {
  unsigned value = 0;
  auto const end = digits.data() + digits.size();
  auto const result = std::from_chars(digits.data(), end, value, 16);
  if (digits.size() != 2 || result.ec != std::errc{} || result.ptr != end)
    throw_bad_request("broken percent sequence in the query");
  return static_cast<char>(value);
}

std::pmr::string decode(std::string_view text, std::pmr::memory_resource* memory) {
  std::pmr::string out{memory};
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%') {
      out += decoded_byte(text.substr(i + 1, 2));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::optional<std::pmr::string> query_parameter(std::string_view query, std::string_view name,
                                                std::pmr::memory_resource* memory) {
  while (!query.empty()) {
    auto const pair = query.substr(0, query.find('&'));
    query.remove_prefix(pair.size() < query.size() ? pair.size() + 1 : pair.size());
    auto const equals = pair.find('=');
    if (pair.substr(0, equals) != name) continue;
    return decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1), memory);
  }
  return std::nullopt;
}

}  // namespace shop
