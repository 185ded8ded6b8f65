// GET /heap, /heap.svg, /heap.json, /metrics, /debug/pprof/heap: what is in the memory that requests live in.
#include "../content/html.hpp"
#include "../content/numbers.hpp"
#include "../http/request_error.hpp"
#include "handlers.hpp"

#include <zmm/inspect.hpp>
#include <zmm/profile.hpp>

namespace shop {

namespace {

/// Appends what zmm writes to the response.
auto into(arena_string& body) {
  return [&body](char const* text, std::size_t bytes) {
    body.append(text, bytes);
    return true;
  };
}

enum class subject { pool, process };

subject subject_of(call const& asked) {
  std::string_view const query = asked.where.query;
  if (query.empty() || query == "of=pool") return subject::pool;
  if (query == "of=process") return subject::process;
  throw request_error(http::status::bad_request, "of=pool or of=process");
}

/// A page, piece by piece.
class page_writer {
public:
  explicit page_writer(arena_string& out) : out_(out) {}

  page_writer& operator<<(char const* text) {
    out_.append(text);
    return *this;
  }
  page_writer& operator<<(std::uint64_t number) {
    append_number(out_, number);
    return *this;
  }
  page_writer& escaped(char const* text) {
    append_escaped(out_, text != nullptr ? text : "(none)");
    return *this;
  }
  page_writer& kib(std::uint64_t bytes) { return *this << (bytes + 1023) / 1024 << " KiB"; }
  page_writer& figure(char const* name, std::uint64_t bytes) {
    *this << "<div><b>";
    return kib(bytes) << "</b>" << name << "</div>";
  }
  page_writer& number(char const* name, std::uint64_t value) {
    return *this << "<div><b>" << value << "</b>" << name << "</div>";
  }

private:
  arena_string& out_;
};

constexpr char const* head = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="refresh" content="5"><title>Memory of the request server</title><style>
:root{color-scheme:light dark;--line:#8884}
body{font:15px/1.4 sans-serif;margin:1rem auto;max-width:60rem;padding:0 .7rem}
h2{font-size:1.1rem;margin:1.2rem 0 .4rem}
.f{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:.4rem}
.f div{border:1px solid var(--line);border-radius:.3rem;padding:.3rem .5rem;font-size:.8rem}
.f b{display:block;font-size:1.1rem}
img{width:100%;height:auto}
.t{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.85rem}
td,th{padding:.2rem .5rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
td:first-child,th:first-child{text-align:left}
</style></head><body><h1>Memory</h1>
)";

void write_requests(page_writer& out, zmm::request_pool const& pool) {
  out << "<h2>Requests in flight, the largest first</h2><div class=\"t\"><table><tr><th>label<th>now<th>peak</tr>";
  std::size_t left = 20;
  zmm::visit_requests(pool, [&](zmm::request_info const& r) {
    (out << "<tr><td>").escaped(r.label);
    (out << "<td>").kib(r.real_size);
    (out << "<td>").kib(r.real_peak) << "</tr>";
    return --left != 0;
  });
  out << "</table></div><h2>Ended requests by label</h2><div class=\"t\"><table>"
         "<tr><th>label<th>requests<th>all<th>median<th>90 %<th>99 %<th>largest</tr>";
  zmm::visit_ended_labels(pool, [&](zmm::ended_label_info const& l) {
    (out << "<tr><td>").escaped(l.label) << "<td>" << l.requests;
    for (std::uint64_t bytes :
         {l.bytes, std::uint64_t{l.p50}, std::uint64_t{l.p90}, std::uint64_t{l.p99}, std::uint64_t{l.max}})
      (out << "<td>").kib(bytes);
    out << "</tr>";
    return true;
  });
  out << "</table></div><h2>Ended requests by place</h2><div class=\"t\"><table>"
         "<tr><th>place<th>label<th>requests<th>blocks<th>peaks<th>largest</tr>";
  left = 100;
  bool const is_whole = zmm::visit_ended_sites(pool, [&](zmm::ended_site_info const& s) {
    if (left == 0) return false;
    --left;
    out << "<tr><td>";
    if (s.file != nullptr) out.escaped(s.file) << ":" << s.line;
    else out << "(a container)";
    (out << "<td>").escaped(s.label) << "<td>" << s.requests << "<td>" << s.blocks;
    (out << "<td>").kib(s.peak_bytes);
    (out << "<td>").kib(s.max) << "</tr>";
    return true;
  });
  out << "</table></div>";
  if (!is_whole) out << "<p>More places are in <a href=\"/heap.json\">/heap.json</a>.</p>";
  out << "<p>A server started with --arena=debug lists requests; others count them.</p>";
}

}  // namespace

void show_heap(call const&, response& answer) {
  answer.set(http::field::content_type, "text/html; charset=utf-8");
  zmm::request_pool const& pool = zmm::default_request_pool();
  zmm::pool_statistics const s = pool.stats();
  zmm::statistics const process = zmm::thread_heap::stats();
  page_writer out(answer.body());
  out << head << "<h2>Request pool</h2><div class=\"f\">";
  out.number("requests in flight", s.in_flight).number("ended", s.ended).figure("lent", s.used);
  out.figure("from the system", s.real_size).figure("most so far", s.real_peak).number("slabs kept warm", s.slabs_free);
  out.figure("median request", s.p50).figure("90th percentile", s.p90).figure("99th percentile", s.p99);
  out << "</div><p><img src=\"/heap.svg?of=pool\" alt=\"map of the pool\"></p>";
  write_requests(out, pool);
  out << "<h2>Process heap</h2><div class=\"f\">";
  out.figure("live", process.size).number("blocks", process.live_blocks).figure("from the system", process.real_size);
  out << "</div><p><img src=\"/heap.svg?of=process\" alt=\"map of the process heap\"></p>"
         "<p><a href=\"/metrics\">/metrics</a> <a href=\"/heap.json\">/heap.json</a> "
         "<a href=\"/debug/pprof/heap\">/debug/pprof/heap</a></p></body></html>\n";
}

void show_heap_map(call const& asked, response& out) {
  out.set(http::field::content_type, "image/svg+xml");
  if (subject_of(asked) == subject::pool) zmm::write_map(zmm::default_request_pool(), into(out.body()));
  else zmm::write_map(zmm::thread_heap{}, into(out.body()));
}

void show_heap_json(call const& asked, response& out) {
  if (subject_of(asked) == subject::pool) zmm::write_json(zmm::default_request_pool(), into(out.body()));
  else zmm::write_json(zmm::thread_heap{}, into(out.body()));
}

void show_metrics(call const&, response& out) {
  out.set(http::field::content_type, zmm::metrics_content_type);
  zmm::write_metrics_page(into(out.body()), zmm::named{zmm::default_request_pool(), "requests"},
                          zmm::named{zmm::thread_heap{}, "process"});
}

void show_profile(call const& asked, response& out) {
  using zmm::profile_format;
  out.set(http::field::content_type, "application/octet-stream");
  if (subject_of(asked) == subject::pool) zmm::write_profile(zmm::default_request_pool(), profile_format::pprof, into(out.body()));
  else zmm::write_profile(zmm::thread_heap{}, profile_format::pprof, into(out.body()));
}

}  // namespace shop
