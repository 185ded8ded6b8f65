// Which endpoint answers a request, and the answers to requests that name none.
#include "../http/request_error.hpp"
#include "handlers.hpp"
#include "json_io.hpp"

#include <boost/beast/http/verb.hpp>

namespace shop {

namespace {

struct route {
  std::string_view path;
  bool get, post;
  char const* allow;
  void (*answer)(call const&, response&);
};

constexpr route routes[] = {
    {"/orders/report", false, true, "POST", report_orders},
    {"/search", true, false, "GET", search_text},
    {"/page", true, true, "GET, POST", show_page},
    {"/stats", true, false, "GET", show_figures},
    {"/heap", true, false, "GET", show_heap},
    {"/heap.svg", true, false, "GET", show_heap_map},
    {"/heap.json", true, false, "GET", show_heap_json},
    {"/metrics", true, false, "GET", show_metrics},
    {"/debug/pprof/heap", true, false, "GET", show_profile},
};

route const* route_of(std::string_view path) noexcept {
  for (route const& r : routes)
    if (r.path == path) return &r;
  return nullptr;
}

bool allows(route const& r, http::verb verb) noexcept {
  return (r.get && verb == http::verb::get) || (r.post && verb == http::verb::post);
}

response empty_response(request const& message, http::status status, char const* type,
                        std::pmr::memory_resource* memory) {
  auto out = message_in<response>(memory);
  out.version(message.version());
  out.result(status);
  out.keep_alive(message.keep_alive());
  out.set(http::field::content_type, type);
  return out;
}

}  // namespace

response error_response(request const& message, http::status status, char const* reason,
                        std::pmr::memory_resource* memory) {
  auto out = empty_response(message, status, "application/json", memory);
  write_json(boost::json::value(boost::json::string_view(reason)), out.body().append("{\"error\":"));
  out.body().append("}\n");
  out.prepare_payload();
  return out;
}

char const* endpoint_of(request const& message) noexcept {
  auto const text = message.target();
  route const* const found = route_of(std::string_view(text.data(), text.size()).substr(0, text.find('?')));
  return found != nullptr ? found->path.data() : nullptr;
}

response respond(request const& message, service const& from, std::pmr::memory_resource* memory) {
  auto const text = message.target();
  auto const where = split_target({text.data(), text.size()});
  route const* const found = route_of(where.path);
  if (found == nullptr) return error_response(message, http::status::not_found, "no such path", memory);
  if (!allows(*found, message.method())) {
    auto out = error_response(message, http::status::method_not_allowed, "no such method on this path", memory);
    out.set(http::field::allow, found->allow);
    return out;
  }
  try {
    auto out = empty_response(message, http::status::ok, "application/json", memory);
    found->answer({message, where, from, memory}, out);
    out.prepare_payload();
    return out;
  } catch (request_error const& error) { return error_response(message, error.status(), error.what(), memory); }
}

}  // namespace shop
