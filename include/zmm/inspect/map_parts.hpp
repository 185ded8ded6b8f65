// The layout of a map, and the parts beside its rows.
#pragma once
#include <zmm/blocks/block_info.hpp>
#include <zmm/inspect/map_cells.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Positions in the picture, in its units.
struct map_layout {
  static constexpr std::size_t left = 120, right = 20, top = 46, row = 9, bar = 14, legend_row = 16, legend_columns = 4;
  static constexpr std::size_t cell_thousandths = 1500;
  static constexpr std::size_t width = left + map_rows::columns * cell_thousandths / 1000 + right;
  static constexpr std::size_t most_rows = 256, most_bars = 12;
};

/// The largest huge blocks.
class largest_areas {
public:
  void add(area_info const& area) noexcept {
    std::size_t at = count_ < map_layout::most_bars ? count_++ : count_;
    for (; at != 0 && areas_[at - 1].bytes < area.bytes; --at) {
      if (at < map_layout::most_bars) areas_[at] = areas_[at - 1];
    }
    if (at < map_layout::most_bars) areas_[at] = area;
  }
  area_info const* begin() const noexcept { return areas_; }
  area_info const* end() const noexcept { return areas_ + count_; }
  std::size_t count() const noexcept { return count_; }

private:
  area_info areas_[map_layout::most_bars];
  std::size_t count_ = 0;
};

/// Writes a size for people: 640 B, 12 KiB, 3.5 MiB.
inline void write_size(text_out& out, std::size_t bytes) {
  char const* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0, divisor = 1;
  while (bytes / divisor >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
    divisor *= 1024;
    ++unit;
  }
  std::size_t const tenths = bytes / divisor * 10 + bytes % divisor * 10 / divisor;
  out.thousandths(tenths >= 1000 ? tenths / 10 * 1000 : tenths * 100) << ' ' << units[unit];
}

}}}  // namespace zmm::detail
