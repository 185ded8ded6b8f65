// Answers to requests whose own memory cannot be used: finished texts in ordinary memory.
#pragma once

#include <boost/beast/http/status.hpp>

#include <string_view>

namespace shop {

/// A whole response with that status: 400, 413, 431 or 503, and 500 for every other. Made once; the texts live until the
/// program ends.
std::string_view refusal(boost::beast::http::status, bool keep_alive) noexcept;

}  // namespace shop
