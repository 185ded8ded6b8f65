// A picture of an engine's memory, as SVG: a row for each chunk or segment, a cell for each page, coloured by its use, paler
// where less of it is in use. For browsers, with light and dark colours and colours for print.
#pragma once
#include <zmm/stats.hpp>
#include <zmm/inspect/areas.hpp>
#include <zmm/inspect/map_parts.hpp>

namespace zmm { inline namespace ZMM_ABI {
namespace detail {

template <class Engine> class map_writer {
public:
  map_writer(text_out& out, Engine const& of) : out_(out), of_(of), sums_(of) {
    std::uintptr_t last = 0;
    of.visit([&](area_info const& area) {
      if (area.kind == area_kind::huge) {
        largest_.add(area);
      } else if (std::uintptr_t const row = row_of(area); row != last) {
        last = row;
        ++found_;
      }
      return true;
    });
    rows_ = found_ < map_layout::most_rows ? found_ : map_layout::most_rows;
  }

  void write() {
    write_head();
    out_ << "<g class=\"t\">\n";
    write_title();
    write_rows();
    write_bars();
    write_legend();
    out_ << "</g>\n</svg>\n";
  }

private:
  using layout = map_layout;
  static constexpr bool has_segments = !has_chunks<Engine>;

  static std::uintptr_t row_of(area_info const& area) noexcept {
    if constexpr (has_segments) return address_of(area.address);
    else return align_down(address_of(area.address), Engine::geometry::chunk_bytes);
  }
  std::size_t legend_entries() const noexcept {
    std::size_t count = 0;
    for (area_sum const& sum : sums_.bins) count += sum.areas != 0;
    for (area_kind kind : {area_kind::large, area_kind::slab, area_kind::segment})
      count += sums_.kinds[static_cast<std::size_t>(kind)].areas != 0;
    return count;
  }
  std::size_t bars_top() const noexcept { return layout::top + rows_ * layout::row + (found_ > rows_ ? 16 : 0) + 14; }
  std::size_t legend_top() const noexcept {
    return bars_top() + (largest_.count() != 0 ? 18 + largest_.count() * layout::bar : 0);
  }

  void write_head() {
    std::size_t const height =
        legend_top() + 24 + divide_up(legend_entries(), layout::legend_columns) * layout::legend_row;
    out_ << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << layout::width << ' ' << height
         << "\" width=\"" << layout::width << "\" font-family=\"sans-serif\" font-size=\"11\">\n<style>\n"
         << ":root{--ink:#1b1f24;--soft:#57606a;--page:#fff;--free:#e6e9ed;--l:42%}\n"
         << "@media "
            "(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4af;--page:#0d1117;--free:#262c34;--l:62%}}\n"
         << "@media print{:root{--ink:#000;--soft:#333;--page:#fff;--free:#e6e9ed;--l:42%}}\n"
         << ".p{fill:var(--page)}.t text{fill:var(--ink)}.t "
            ".s{fill:var(--soft)}.m{font-family:monospace;font-size:9px}\n"
         << ".c path{fill:none;stroke-width:.8}.e{stroke:var(--free)}.h{stroke:var(--soft)}\n"
         << ".f0{stroke-opacity:.3;fill-opacity:.3}.f1{stroke-opacity:.5}.f2{stroke-opacity:.75}\n";
    for (std::size_t rank = 0; rank < map_cell::groups; ++rank) write_colour(rank);
    out_ << "</style>\n<rect class=\"p\" width=\"100%\" height=\"100%\"/>\n";
  }
  /// Small slots are blue, large ones green to yellow; large blocks are red, slabs violet. Every second bin is stronger.
  void write_colour(std::size_t rank) {
    bool const is_bin = rank < most_bins;
    std::size_t const group = is_bin ? bins_by_size.bin[rank] : rank;
    std::size_t const hue = is_bin                     ? 225 - rank * 3
                            : group == map_cell::large ? 8
                            : group == map_cell::slab  ? 285
                                                       : 215;
    for (char const* what : {"stroke", "fill"}) {
      out_ << (what[0] == 's' ? ".g" : "rect.g") << group << '{' << what << ":hsl(" << hue << ' '
           << (rank % 2 != 0 ? 80 : 60) << "% var(--l))}";
    }
    out_ << '\n';
  }

  void write_title() {
    auto const s = of_.stats();
    out_ << "<title>Memory map of a " << inspection<Engine>::name
         << "</title>\n<text x=\"10\" y=\"18\" font-size=\"13\">" << inspection<Engine>::name << ": ";
    std::size_t used = 0;
    if constexpr (is_pool<Engine>) used = s.used;
    else used = s.size;
    write_size(out_, used);
    out_ << (is_pool<Engine> ? " lent to " : " live in ");
    if constexpr (is_pool<Engine>) out_ << s.in_flight << (s.in_flight == 1 ? " request, of " : " requests, of ");
    else out_ << s.live_blocks << (s.live_blocks == 1 ? " block, of " : " blocks, of ");
    write_size(out_, s.real_size);
    out_ << " taken from storage";
    if (s.real_size != 0) out_ << " (" << used / (s.real_size / 100 + 1) << " %)";
    out_ << "</text>\n<text x=\"10\" y=\"34\" class=\"s\">" << found_ << (has_segments ? " segment" : " chunk")
         << (found_ == 1 ? "" : "s");
    if constexpr (!has_segments) {
      out_ << " of ";
      write_size(out_, Engine::geometry::chunk_bytes);
      out_ << ", a cell is a page of ";
      write_size(out_, Engine::geometry::page_bytes);
    } else {
      out_ << ", a cell is a 512th of one";
    }
    out_ << "; pale: little of it is in use</text>\n";
  }

  void write_rows() {
    if (rows_ == 0) return;
    start_cells();
    out_ << "<path class=\"e\" d=\"";
    for (std::size_t row = 0; row < rows_; ++row) out_ << "M0 " << row << "h512";
    out_ << "\"/></g>\n";
    draw_areas();
    if (found_ > rows_)
      out_ << "<text class=\"s\" x=\"" << layout::left << "\" y=\"" << bars_top() - 16 << "\">and " << found_ - rows_
           << " more</text>\n";
  }

  void start_cells() {
    out_ << "<g class=\"c\" transform=\"translate(" << layout::left << ' ' << layout::top << ") scale(1.5 "
         << layout::row << ") translate(0 .5)\">\n";
  }

  /// The rows, in the order of the visit; chunks that were added since they were counted get none.
  void draw_areas() {
    std::uintptr_t current = 0;
    std::size_t seen = 0, written = 0;
    std::uint16_t* cells = nullptr;
    area_info segment;
    auto const on_area = [&](area_info const& area) {
      if (area.kind == area_kind::huge) return true;
      if (row_of(area) != current) {
        if (cells_.full()) flush(written);
        if (seen == rows_) return false;
        current = row_of(area);
        cells = cells_.add(current);
        ++seen;
        segment = area;
        if constexpr (has_segments)
          fill(cells, 0, map_rows::columns,
               map_cell::of(map_cell::segment, tells_blocks ? 0 : area.live_bytes, area.bytes));
        else fill(cells, 0, column(header_pages<typename Engine::geometry>), map_cell::header);
      }
      if constexpr (!has_segments) draw_in_chunk(cells, area);
      return true;
    };
    if constexpr (tells_blocks) {
      // Blocks come in order, so a cell is complete when the next one begins.
      std::size_t cell = 0, live = 0;
      auto const settle = [&] {
        if (cells != nullptr && live != 0) cells[cell] = map_cell::of(map_cell::segment, live, cell_bytes(segment));
        live = 0;
      };
      auto const on_block = [&](block_info const& b) {
        if (cells == nullptr || address_of(b.address) - address_of(segment.address) >= segment.bytes) return;
        std::size_t const each = cell_bytes(segment);
        for (std::size_t from = distance(segment.address, b.address), end = from + b.usable; from < end;) {
          std::size_t const here = from / each, next = (here + 1) * each;
          if (here >= map_rows::columns) break;
          if (here != cell) settle();
          cell = here;
          live += (next < end ? next : end) - from;
          from = next;
        }
      };
      of_.visit([&](auto const& info) {
        if constexpr (std::is_same_v<decltype(info), area_info const&>) {
          settle();
          return on_area(info);
        } else {
          on_block(info);
          return true;
        }
      });
      settle();
    } else {
      of_.visit(on_area);
    }
    flush(written);
  }

  static constexpr bool tells_blocks = has_segments && !knows_blocks_apart<Engine>;
  static std::size_t cell_bytes(area_info const& segment) noexcept {
    return divide_up(segment.bytes, map_rows::columns);
  }
  /// The first cell of a page.
  static std::size_t column(std::size_t page) noexcept {
    if constexpr (has_segments) return page;
    else return page * map_rows::columns / Engine::geometry::pages;
  }
  static void fill(std::uint16_t* cells, std::size_t from, std::size_t to, std::uint16_t code) noexcept {
    for (std::size_t c = from; c < to && c < map_rows::columns; ++c) cells[c] = code;
  }
  void draw_in_chunk(std::uint16_t* cells, area_info const& area) noexcept {
    using geometry = typename Engine::geometry;
    std::size_t const page = (address_of(area.address) & (geometry::chunk_bytes - 1)) / geometry::page_bytes;
    std::size_t const group = area.kind == area_kind::run     ? static_cast<std::size_t>(area.bin)
                              : area.kind == area_kind::large ? map_cell::large
                                                              : map_cell::slab;
    bool const is_whole =
        area.slots <= 1;  // a request's slabs count as full: its blocks are not counted for each slab
    std::size_t const all = is_whole ? 1 : area.slots, live = is_whole && area.slots == 0 ? 1 : area.live;
    fill(cells, column(page), column(page + divide_up(area.bytes, geometry::page_bytes)),
         map_cell::of(group, live, all));
  }
  void flush(std::size_t& written) {
    std::size_t const count = cells_.count();
    for (std::size_t row = 0; row < count; ++row) {
      out_ << "<text class=\"m s\" x=\"10\" y=\"" << layout::top + (written + row + 1) * layout::row - 1 << "\">";
      out_.hex(cells_.address(row)) << "</text>\n";
    }
    start_cells();
    cells_.write(out_, written);
    out_ << "</g>\n";
    written += count;
  }

  void write_bars() {
    if (largest_.count() == 0) return;
    area_sum const& huge = sums_.kinds[static_cast<std::size_t>(area_kind::huge)];
    std::size_t y = bars_top() + 4;
    out_ << "<text x=\"10\" y=\"" << y << "\">" << huge.areas << (has_segments ? " of their own segment, " : " huge, ");
    write_size(out_, huge.bytes);
    out_ << "</text>\n";
    std::size_t const most = largest_.begin()->bytes;
    for (area_info const& area : largest_) {
      y += layout::bar;
      std::size_t const width = 1 + 700 * (area.bytes >> 10) / ((most >> 10) + 1);
      out_ << "<rect class=\"g" << map_cell::large << "\" x=\"" << layout::left << "\" y=\"" << y - 9 << "\" width=\""
           << width << "\" height=\"10\"/><text x=\"10\" y=\"" << y << "\">";
      write_size(out_, area.bytes);
      out_ << "</text>\n";
    }
  }

  void write_legend() {
    std::size_t entry = 0;
    for (std::uint8_t const bin : bins_by_size.bin) {
      area_sum const& sum = sums_.bins[bin];
      if (sum.areas == 0) continue;
      start_entry(entry, bin);
      out_ << slot_bytes(bin_index{bin}) << " B: " << sum.areas
           << (sum.areas == 1 ? " run, " : " runs, ") << sum.live * 100 / sum.slots << " % full</text>\n";
    }
    for (area_kind kind : {area_kind::large, area_kind::slab, area_kind::segment}) {
      area_sum const& sum = sums_.kinds[static_cast<std::size_t>(kind)];
      if (sum.areas == 0) continue;
      start_entry(entry, kind == area_kind::large  ? map_cell::large
                         : kind == area_kind::slab ? map_cell::slab
                                                   : map_cell::segment);
      out_ << name_of(kind) << ": " << sum.areas << ", ";
      write_size(out_, sum.bytes);
      out_ << "</text>\n";
    }
  }
  void start_entry(std::size_t& entry, std::size_t group) {
    std::size_t const x = 10 + entry % layout::legend_columns * (layout::width / layout::legend_columns);
    std::size_t const y = legend_top() + 12 + entry / layout::legend_columns * layout::legend_row;
    ++entry;
    out_ << "<rect class=\"g" << group << "\" x=\"" << x << "\" y=\"" << y - 9
         << "\" width=\"10\" height=\"10\"/><text x=\"" << x + 15 << "\" y=\"" << y << "\">";
  }

  text_out& out_;
  Engine const& of_;
  area_sums const sums_;
  largest_areas largest_;
  map_rows cells_;
  std::size_t found_ = 0, rows_ = 0;
};

}  // namespace detail

/// Effects: writes a picture of the memory of an engine, a face, a pool or the process's heap: an SVG document of up to 256
/// rows, with less than 100 KB for each 64 of them. Output, returns, memory: as write_json(), with 80 KiB of stack.
template <class X, class To> bool write_map(X const& x, To&& to) {
  return detail::write_text(to, [&](detail::text_out& out) {
    auto const& engine = detail::inspected(x);
    using engine_type = std::remove_const_t<std::remove_reference_t<decltype(engine)>>;
    detail::map_writer<engine_type>(out, engine).write();
  });
}

}}  // namespace zmm
