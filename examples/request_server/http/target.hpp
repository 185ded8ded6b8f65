// The request target: path, query parameters, percent-decoding.
#pragma once

#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>

namespace shop {

/// "/search?q=a+b" in its two parts, still encoded.
struct target {
  std::string_view path;
  std::string_view query;
};

target split_target(std::string_view) noexcept;

/// The decoded value of the first parameter `name`; nothing when it is absent. Throws request_error (400) for a broken
/// percent sequence.
std::optional<std::pmr::string> query_parameter(std::string_view query, std::string_view name,
                                                std::pmr::memory_resource*);

}  // namespace shop
