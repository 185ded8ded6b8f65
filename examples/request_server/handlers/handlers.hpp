// From a request to its response: pure functions, no socket. Everything they make lives in the memory they are given.
#pragma once

#include "../content/content.hpp"
#include "../http/target.hpp"
#include "../http/types.hpp"

#include <boost/json/value.hpp>

#include <memory_resource>

namespace shop {

/// What GET /stats reports; the server implements it, a replay has none.
class figures {
public:
  /// The figures as a JSON object with the given storage. Callable from any thread.
  virtual boost::json::value report(boost::json::storage_ptr) const = 0;

protected:
  ~figures() = default;
};

/// The data that requests are answered from; shared by all threads.
struct service {
  content const& loaded;
  figures const* statistics;
};

/// The response to a complete request: from the endpoint it names, or 400, 404 or 405 with the reason as JSON. Throws
/// std::bad_alloc, with nothing left behind; every other fault of a request becomes a response.
response respond(request const&, service const&, std::pmr::memory_resource*);

/// A response that carries only a reason, as JSON.
response error_response(request const&, http::status, char const* reason, std::pmr::memory_resource*);

/// What an endpoint sees of a request.
struct call {
  request const& message;
  target where;
  service const& from;
  std::pmr::memory_resource* memory;
};

// The endpoints, each in its own file. They fill an empty response (status 200, JSON), or throw request_error.
void report_orders(call const&, response&);  ///< POST /orders/report: orders in, totals by customer and product out
void search_text(call const&, response&);    ///< GET /search?q=…: the paragraphs that match best, with snippets
void show_page(call const&, response&);      ///< GET, POST /page: HTML from the template, and sample or posted data
void show_figures(call const&, response&);   ///< GET /stats: figures of the pool and of the last requests
void show_heap(call const&, response&);  ///< GET /heap: a page about the pool and the process's heap; reloads itself
void show_heap_map(call const&, response&);   ///< GET /heap.svg?of=pool|process: what lies where
void show_heap_json(call const&, response&);  ///< GET /heap.json?of=pool|process
void show_metrics(call const&, response&);    ///< GET /metrics: OpenMetrics, for Prometheus
void show_profile(call const&, response&);    ///< GET /debug/pprof/heap?of=pool|process: for go tool pprof

/// The path of the endpoint that a request names: a literal; null where there is none.
char const* endpoint_of(request const&) noexcept;

}  // namespace shop
