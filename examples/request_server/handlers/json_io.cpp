#include "json_io.hpp"

#include "../http/request_error.hpp"

#include <boost/json/parser.hpp>
#include <boost/json/serializer.hpp>

namespace shop {

namespace json = boost::json;

json::value parse_json(std::string_view body, json::storage_ptr const& storage) {
  // The parser's stack of unfinished values starts in this buffer, and continues in the request's memory.
  unsigned char scratch[4096];
  json::parser parser{storage, json::parse_options{}, scratch};
  parser.reset(storage);
  json::error_code error;
  parser.write(body.data(), body.size(), error);
  if (error) throw_bad_request("the body is not valid JSON");
  return parser.release();
}

void write_json(json::value const& value, arena_string& out) {
  json::serializer serializer;
  serializer.reset(&value);
  char piece[4096];
  while (!serializer.done()) {
    auto const text = serializer.read(piece);
    out.append(text.data(), text.size());
  }
}

}  // namespace shop
