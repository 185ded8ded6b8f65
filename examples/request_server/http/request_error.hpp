// The exception that a handler throws when the request, not the server, is at fault.
#pragma once

#include <boost/beast/http/status.hpp>

#include <exception>
#include <ostream>  // Beast prints a status and does not include it

namespace shop {

/// Ends the handling of a request with a status and a reason. The reason is a literal: reporting an error allocates
/// nothing outside the request.
class request_error : public std::exception {
public:
  request_error(boost::beast::http::status status, char const* reason) noexcept : status_(status), reason_(reason) {}

  boost::beast::http::status status() const noexcept { return status_; }
  char const* what() const noexcept override { return reason_; }

private:
  boost::beast::http::status status_;
  char const* reason_;
};

[[noreturn]] inline void throw_bad_request(char const* reason) {
  throw request_error(boost::beast::http::status::bad_request, reason);
}

}  // namespace shop
