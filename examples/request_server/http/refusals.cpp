#include "refusals.hpp"

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>
#include <string>

namespace shop {

namespace http = boost::beast::http;

namespace {

constexpr std::array<http::status, 5> statuses = {
    http::status::internal_server_error, http::status::bad_request, http::status::payload_too_large,
    http::status::request_header_fields_too_large, http::status::service_unavailable};

std::string rendered(http::status status, bool keep_alive) {
  http::response<http::string_body> message{status, 11};
  message.keep_alive(keep_alive);
  message.set(http::field::content_type, "application/json");
  message.body() = "{\"error\":\"" + std::string(http::obsolete_reason(status)) + "\"}\n";
  message.prepare_payload();
  http::response_serializer<http::string_body> serializer{message};
  std::string text;
  boost::beast::error_code error;
  serializer.next(
      error, [&](boost::beast::error_code&, auto const& buffers) { text = boost::beast::buffers_to_string(buffers); });
  return text;
}

struct texts {
  std::array<std::string, statuses.size()> closing, keeping;
  texts() {
    for (std::size_t i = 0; i < statuses.size(); ++i) {
      closing[i] = rendered(statuses[i], false);
      keeping[i] = rendered(statuses[i], true);
    }
  }
};

texts const made;  // at start: a server that is out of memory could not make them

}  // namespace

std::string_view refusal(http::status status, bool keep_alive) noexcept {
  auto const& choice = keep_alive ? made.keeping : made.closing;
  for (std::size_t i = 0; i < statuses.size(); ++i)
    if (statuses[i] == status) return choice[i];
  return choice[0];
}

}  // namespace shop
