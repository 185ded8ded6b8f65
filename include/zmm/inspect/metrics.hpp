// Figures for Prometheus and similar systems: OpenMetrics text.
//
// The format wants all samples of a family together, so a page about several heaps is written by one call.
#pragma once
#include <zmm/stats.hpp>
#include <zmm/version.hpp>
#include <zmm/inspect/areas.hpp>
#include <zmm/inspect/requests.hpp>
#include <zmm/inspect/text_out.hpp>
#include <zmm/watch/watch_figures.hpp>

#include <utility>

#define ZMM_TEXT_OF(name) #name
#define ZMM_TEXT_OF_VALUE(name) ZMM_TEXT_OF(name)

namespace zmm { inline namespace ZMM_ABI {

/// A heap or pool to be measured, and its name for the label `heap` or `pool`.
template <class X> struct named {
  named(X const& what, char const* called) noexcept : x(what), name(called) {}
  X const& x;
  char const* name;
};

/// The content type of what write_metrics() writes, for an HTTP server.
inline constexpr char const* metrics_content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";

namespace detail {

struct metrics_writer {
  text_out& out;

  void family(char const* name, char const* type, char const* unit, char const* help) {
    out << "# TYPE " << name << ' ' << type << '\n';
    if (unit != nullptr) out << "# UNIT " << name << ' ' << unit << '\n';
    out << "# HELP " << name << ' ' << help << '\n';
  }
  text_out& sample(char const* name, char const* suffix, char const* label, char const* value) {
    out << name << suffix << '{' << label << "=\"";
    return out.escaped(value, escaping::metrics) << '"';
  }
  void number(std::size_t value) {
    if (value == ~std::size_t{0}) out << "} +Inf\n";
    else out << "} " << value << '\n';
  }
};

template <class Engine, class = void> inline constexpr bool knows_sites = false;
template <class Engine>
inline constexpr bool knows_sites<Engine, std::enable_if_t<Engine::options::watch_blocks>> = true;

/// The figures of one heap or pool, taken once.
template <class X> struct measured {
  using engine = std::remove_const_t<std::remove_reference_t<decltype(inspected(std::declval<X const&>()))>>;
  using figures_type = decltype(std::declval<engine const&>().stats());
  static constexpr bool is_a_pool = is_pool<engine>;
  static constexpr bool has_sites = knows_sites<engine>;

  explicit measured(named<X> const& what)
      : of(inspected(what.x)), name(what.name), figures(of.stats()), limit(of.limit()) {}

  engine const& of;
  char const* name;
  figures_type figures;
  std::size_t limit;
};

template <class Figures> struct gauge_family {
  char const *name, *unit, *help;
  std::size_t Figures::*figure;  ///< null: the sample is the limit
};
inline constexpr gauge_family<statistics> heap_families[] = {
    {"zmm_heap_live_bytes", "bytes", "Bytes in live blocks.", &statistics::size},
    {"zmm_heap_live_peak_bytes", "bytes", "Highest bytes in live blocks, or an upper bound of it.", &statistics::peak},
    {"zmm_heap_real_bytes", "bytes", "Bytes taken from storage.", &statistics::real_size},
    {"zmm_heap_real_peak_bytes", "bytes", "Highest bytes taken from storage.", &statistics::real_peak},
    {"zmm_heap_limit_bytes", "bytes", "Bytes that may be taken from storage.", nullptr},
    {"zmm_heap_blocks", nullptr, "Live blocks.", &statistics::live_blocks},
    {"zmm_heap_huge_blocks", nullptr, "Live blocks with a mapping of their own.", &statistics::huge_blocks},
    {"zmm_heap_chunks", nullptr, "Chunks, slabs or segments in use.", &statistics::chunks},
    {"zmm_heap_cached_chunks", nullptr, "Empty chunks kept for reuse.", &statistics::cached_chunks},
};
inline constexpr gauge_family<pool_statistics> pool_families[] = {
    {"zmm_pool_requests_in_flight", nullptr, "Requests that hold memory.", &pool_statistics::in_flight},
    {"zmm_pool_used_bytes", "bytes", "Bytes lent to requests.", &pool_statistics::used},
    {"zmm_pool_real_bytes", "bytes", "Bytes taken from storage.", &pool_statistics::real_size},
    {"zmm_pool_real_peak_bytes", "bytes", "Highest bytes taken from storage.", &pool_statistics::real_peak},
    {"zmm_pool_limit_bytes", "bytes", "Bytes that may be taken from storage.", nullptr},
    {"zmm_pool_slabs_free", nullptr, "Slabs kept warm for the next requests.", &pool_statistics::slabs_free},
    {"zmm_pool_chunks", nullptr, "Chunks in use.", &pool_statistics::chunks},
    {"zmm_pool_cached_chunks", nullptr, "Empty chunks kept for reuse.", &pool_statistics::cached_chunks},
};

/// Null is printed as an empty text: both are one series.
inline char const* printed(char const* text) noexcept { return text != nullptr ? text : ""; }
inline bool is_same_text(char const* a, char const* b) noexcept {
  return __builtin_strcmp(printed(a), printed(b)) == 0;
}

/// The places of a debug heap with the most live bytes. Each series costs storage in the monitoring system, so the rest is
/// left out.
class top_sites {
public:
  static constexpr std::size_t most = 20;
  void add(site_figures const& f) noexcept {
    if (f.live_bytes == 0) return;
    for (std::size_t i = 0; i < count_; ++i) {
      if (!is_same(sites_[i], f)) continue;  // one place, seen from two shared objects
      sites_[i].live_bytes += f.live_bytes;
      return;
    }
    if (count_ == most && f.live_bytes <= sites_[least()].live_bytes) return;
    sites_[count_ == most ? least() : count_++] = f;
  }
  site_figures const* begin() const noexcept { return sites_; }
  site_figures const* end() const noexcept { return sites_ + count_; }

private:
  std::size_t least() const noexcept {
    std::size_t at = 0;
    for (std::size_t i = 1; i < count_; ++i) at = sites_[i].live_bytes < sites_[at].live_bytes ? i : at;
    return at;
  }
  static bool is_same(site_figures const& a, site_figures const& b) noexcept {
    return a.line == b.line && is_same_text(a.file, b.file) && is_same_text(a.label, b.label);
  }
  site_figures sites_[most];
  std::size_t count_ = 0;
};

template <class X> void write_site_samples(metrics_writer& to, measured<X> const& m) {
  if constexpr (measured<X>::has_sites) {
    auto const* const watch = inspection<typename measured<X>::engine>::watch(m.of);
    if (watch == nullptr) return;
    top_sites top;
    for_each_site_of(*watch, [&](site_figures const& f) { top.add(f); });
    for (site_figures const& f : top) {
      to.sample("zmm_site_live_bytes", "", "heap", m.name) << ",file=\"";
      to.out.escaped(printed(f.file), escaping::metrics) << "\",line=\"" << f.line << "\",label=\"";
      to.out.escaped(printed(f.label), escaping::metrics) << '"';
      to.number(f.live_bytes);
    }
  }
}

/// Labels are few. Two with equal texts at different addresses are one series.
template <class Pool> void write_label_samples(metrics_writer& to, char const* name, Pool const& pool) {
  visit_ended_labels(pool, [&](ended_label_info const& l) {
    std::uint64_t requests = 0;
    bool is_first = true, is_before = true;
    visit_ended_labels(pool, [&](ended_label_info const& other) {
      bool const is_equal = is_same_text(l.label, other.label);
      if (is_equal && other.label == l.label) is_before = false;
      if (is_equal && is_before) is_first = false;
      if (is_equal) requests += other.requests;
      return is_first;
    });
    if (!is_first) return true;
    to.sample("zmm_pool_label_requests_ended", "_total", "pool", name) << ",label=\"";
    to.out.escaped(printed(l.label), escaping::metrics) << "\"} " << requests << '\n';
    return true;
  });
}

/// For each family, the samples of all `m` that have it.
template <class... X> void write_heap_families(metrics_writer& to, measured<X> const&... m) {
  for (gauge_family<statistics> const& f : heap_families) {
    to.family(f.name, "gauge", f.unit, f.help);
    auto const write = [&](auto const& one) {
      if constexpr (!std::remove_reference_t<decltype(one)>::is_a_pool) {
        to.sample(f.name, "", "heap", one.name);
        to.number(f.figure != nullptr ? one.figures.*f.figure : one.limit);
      }
    };
    (write(m), ...);
  }
  if constexpr ((measured<X>::has_sites || ...)) {
    to.family("zmm_site_live_bytes", "gauge", "bytes", "Bytes in live blocks, by the place that allocated them.");
    (write_site_samples(to, m), ...);
  }
}

template <class... X> void write_pool_families(metrics_writer& to, measured<X> const&... m) {
  auto const each = [&](auto write) {
    auto const write_pool = [&](auto const& one) {
      if constexpr (std::remove_reference_t<decltype(one)>::is_a_pool) write(one);
    };
    (write_pool(m), ...);
  };
  for (gauge_family<pool_statistics> const& f : pool_families) {
    to.family(f.name, "gauge", f.unit, f.help);
    each([&](auto const& one) {
      to.sample(f.name, "", "pool", one.name);
      to.number(f.figure != nullptr ? one.figures.*f.figure : one.limit);
    });
  }
  to.family("zmm_pool_requests_ended", "counter", nullptr, "Requests that took memory from the pool and ended.");
  each([&](auto const& one) {
    to.sample("zmm_pool_requests_ended", "_total", "pool", one.name) << "} " << one.figures.ended << '\n';
  });
  to.family("zmm_pool_label_requests_ended", "counter", nullptr, "Listed requests that ended, by label.");
  each([&](auto const& one) { write_label_samples(to, one.name, one.of); });
  to.family("zmm_pool_request_peak_bytes", "summary", "bytes", "Real peaks of requests that ended recently.");
  each([&](auto const& one) {
    auto const quantile = [&](char const* which, std::size_t bytes) {
      to.sample("zmm_pool_request_peak_bytes", "", "pool", one.name) << ",quantile=\"" << which << '"';
      to.number(bytes);
    };
    quantile("0.5", one.figures.p50);
    quantile("0.9", one.figures.p90);
    quantile("0.99", one.figures.p99);
  });
}

template <class... X> void write_metrics_text(text_out& out, measured<X> const&... m) {
  metrics_writer to{out};
  to.family("zmm_build", "info", nullptr, "The version of zmm.");
  out << "zmm_build_info{version=\"" << version.major << '.' << version.minor << '.' << version.patch << "\",abi=\""
      << ZMM_TEXT_OF_VALUE(ZMM_ABI) << "\"} 1\n";
  if constexpr ((!measured<X>::is_a_pool || ...)) write_heap_families(to, m...);
  if constexpr ((measured<X>::is_a_pool || ...)) write_pool_families(to, m...);
  out << "# EOF\n";
}

}  // namespace detail

/// Effects: writes the figures of heaps and pools as one page of OpenMetrics, each with its name as a label. Requires: names
/// differ.
///
///     zmm::write_metrics_page(out, zmm::named{pool, "requests"}, zmm::named{zmm::thread_heap{}, "process"});
///
/// Output, returns, memory: as write_json().
template <class To, class... X> bool write_metrics_page(To&& to, named<X> const&... all) {
  return detail::write_text(
      to, [&](detail::text_out& out) { detail::write_metrics_text(out, detail::measured<X>(all)...); });
}

/// The same for one.
template <class X, class To> bool write_metrics(X const& x, char const* name, To&& to) {
  return write_metrics_page(to, named<X>{x, name});
}

}}  // namespace zmm
