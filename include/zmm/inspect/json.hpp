// An engine or a pool as JSON. docs/inspecting.md describes the format, docs/zmm-inspect.schema.json is its schema.
#pragma once
#include <zmm/stats.hpp>
#include <zmm/version.hpp>
#include <zmm/inspect/areas.hpp>
#include <zmm/inspect/requests.hpp>
#include <zmm/inspect/text_out.hpp>
#include <zmm/watch/watch_figures.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// The version of the format: raised when a field is removed or changes its meaning, not when one is added.
inline constexpr int json_schema_version = 1;

namespace detail {

class json_writer {
public:
  explicit json_writer(text_out& out) noexcept : out_(out) {}

  template <class Inside> void object(char const* name, Inside inside) {
    key(name);
    nested('{', '}', inside);
  }
  template <class Inside> void array(char const* name, Inside inside) {
    key(name);
    nested('[', ']', inside);
  }
  template <class Inside> void item(Inside inside) {
    separate();
    nested('{', '}', inside);
  }
  template <class N> void number(char const* name, N value) {
    key(name);
    out_ << value;
  }
  /// Writes a bound; SIZE_MAX: there is none.
  void bound(char const* name, std::size_t value) {
    key(name);
    if (value == ~std::size_t{0}) out_ << "null";
    else out_ << value;
  }
  void flag(char const* name, bool value) {
    key(name);
    out_ << (value ? "true" : "false");
  }
  void text(char const* name, char const* value) {
    key(name);
    if (value == nullptr) return static_cast<void>(out_ << "null");
    out_ << '"';
    out_.escaped(value, escaping::json) << '"';
  }
  void address(char const* name, void const* p) {
    key(name);
    (out_ << '"').hex(address_of(p)) << '"';
  }
  text_out& value(char const* name) {
    key(name);
    return out_;
  }

private:
  void separate() {
    if (!is_first_) out_ << ',';
    is_first_ = false;
  }
  void key(char const* name) {
    separate();
    out_ << '"' << name << "\":";
  }
  template <class Inside> void nested(char open, char close, Inside& inside) {
    out_ << open;
    is_first_ = true;
    inside();
    is_first_ = false;
    out_ << close;
  }

  text_out& out_;
  bool is_first_ = true;
};

inline void write_figures(json_writer& json, statistics const& s) {
  json.number("size", s.size);
  json.number("peak", s.peak);
  json.flag("peak_exact", s.peak_exact);
  json.number("real_size", s.real_size);
  json.number("real_peak", s.real_peak);
  json.number("chunks", s.chunks);
  json.number("cached_chunks", s.cached_chunks);
  json.number("huge_blocks", s.huge_blocks);
  json.number("live_blocks", s.live_blocks);
}

inline void write_figures(json_writer& json, pool_statistics const& s) {
  json.number("in_flight", s.in_flight);
  json.number("ended", s.ended);
  json.number("used", s.used);
  json.number("real_size", s.real_size);
  json.number("real_peak", s.real_peak);
  json.number("chunks", s.chunks);
  json.number("cached_chunks", s.cached_chunks);
  json.number("slabs_free", s.slabs_free);
  json.object("request_peak", [&] {
    json.number("p50", s.p50);
    json.number("p90", s.p90);
    json.number("p99", s.p99);
  });
}

inline void write_areas(json_writer& json, area_sums const& sums) {
  json.object("areas", [&] {
    for (std::size_t kind = 0; kind < area_kinds; ++kind) {
      area_sum const& sum = sums.kinds[kind];
      if (sum.areas == 0) continue;
      json.object(name_of(static_cast<area_kind>(kind)), [&] {
        json.number("areas", sum.areas);
        json.number("bytes", sum.bytes);
        json.number("live", sum.live);
        json.number("live_bytes", sum.live_bytes);
      });
    }
  });
  json.array("bins", [&] {
    for (std::uint8_t const bin : bins_by_size.bin) {
      area_sum const& sum = sums.bins[bin];
      if (sum.areas == 0) continue;
      json.item([&] {
        json.number("bin", bin);
        json.number("slot_bytes", slot_bytes(bin_index{bin}));
        json.number("runs", sum.areas);
        json.number("slots", sum.slots);
        json.number("live", sum.live);
      });
    }
  });
}

inline void write_site(json_writer& json, site_figures const& f, bool is_label) {
  json.item([&] {
    if (!is_label) {
      json.text("file", f.file);
      json.number("line", f.line);
    }
    json.text("label", f.label);
    json.number("live_blocks", f.live_blocks);
    json.number("live_bytes", f.live_bytes);
    json.number("peak_bytes", f.peak_bytes);
    json.number("blocks", f.blocks);
  });
}

template <class Watch> void write_sites(json_writer& json, Watch const* watch) {
  if (watch == nullptr) return;
  json.array("sites", [&] { for_each_site_of(*watch, [&](site_figures const& f) { write_site(json, f, false); }); });
  json.array("labels", [&] { for_each_label_of(*watch, [&](site_figures const& f) { write_site(json, f, true); }); });
}

template <class Pool> void write_requests(json_writer& json, Pool const& pool) {
  json.array("requests", [&] {
    visit_requests(pool, [&](request_info const& r) {
      json.item([&] {
        json.address("address", r.address);
        json.text("label", r.label);
        json.number("real_size", r.real_size);
        json.number("real_peak", r.real_peak);
        json.bound("limit", r.limit);
      });
      return true;
    });
  });
  json.array("ended", [&] {
    visit_ended_labels(pool, [&](ended_label_info const& l) {
      json.item([&] {
        json.text("label", l.label);
        json.number("requests", l.requests);
        json.number("bytes", l.bytes);
        json.number("p50", l.p50);
        json.number("p90", l.p90);
        json.number("p99", l.p99);
        json.number("max", l.max);
      });
      return true;
    });
  });
  json.array("ended_sites", [&] {
    visit_ended_sites(pool, [&](ended_site_info const& s) {
      json.item([&] {
        json.text("file", s.file);
        json.number("line", s.line);
        json.text("label", s.label);
        json.number("requests", s.requests);
        json.number("blocks", s.blocks);
        json.number("peak_bytes", s.peak_bytes);
        json.number("max", s.max);
      });
      return true;
    });
  });
}

/// Bytes that may still be taken before a limit refuses; SIZE_MAX: there is no limit. Without a limit, remaining() is
/// SIZE_MAX less what is in use, so more than half of SIZE_MAX means that there is none.
template <class Engine> std::size_t left_to_take(Engine const& of) noexcept {
  std::size_t const none = ~std::size_t{0}, left = of.remaining();
  return of.limit() == none && left > none / 2 ? none : left;
}

/// Effects: writes an engine or a pool: a request without its children, a pool without its requests' blocks.
template <class Engine> void write_json_text(text_out& out, Engine const& of) {
  area_sums const sums(of);
  auto const figures = of.stats();
  json_writer json(out);
  json.item([&] {
    json.number("schema", json_schema_version);
    json.value("zmm") << '"' << version.major << '.' << version.minor << '.' << version.patch << '"';
    json.text("engine", inspection<Engine>::name);
    json.address("address", &of);
    json.object("figures", [&] {
      write_figures(json, figures);
      json.bound("limit", of.limit());
      json.bound("remaining", left_to_take(of));
    });
    write_areas(json, sums);
    if constexpr (is_pool<Engine>) {
      write_requests(json, of);
    } else {
      if constexpr (Engine::options::watch_blocks) write_sites(json, inspection<Engine>::watch(of));
    }
  });
  out << '\n';
}

}  // namespace detail

/// Effects: writes figures and areas of an engine, a face, a pool or the process's heap (thread_heap{}), as one JSON object, to
/// a FILE* or to a function bool(char const* text, std::size_t bytes), which is called with up to 2 KiB at a time.
/// Returns: whether all of it arrived; a FILE* is flushed for that. Allocates nothing in `x`, and nothing elsewhere, except
/// the buffer that the C library gives a FILE* without one. Figures of a shared heap are of one moment, its areas of others.
template <class X, class To> bool write_json(X const& x, To&& to) {
  return detail::write_text(to, [&](detail::text_out& out) { detail::write_json_text(out, detail::inspected(x)); });
}

}}  // namespace zmm
