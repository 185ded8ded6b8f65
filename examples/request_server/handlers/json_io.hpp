// Boost.JSON between a request's body and its response, all in the request's memory.
#pragma once

#include "../http/types.hpp"

#include <boost/json/value.hpp>

#include <string_view>

namespace shop {

/// The value a body holds, in `storage`. Throws request_error (400) when it is not JSON.
boost::json::value parse_json(std::string_view body, boost::json::storage_ptr const& storage);

/// Appends a value as text.
void write_json(boost::json::value const&, arena_string& out);

}  // namespace shop
