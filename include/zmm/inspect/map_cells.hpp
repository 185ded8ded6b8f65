// The cells of a map, each with one use, and how rows of them are written as lines of SVG.
#pragma once
#include <zmm/base/size_classes.hpp>
#include <zmm/inspect/text_out.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// What a cell shows: nothing in use, a header, or a group (a bin or one of those below) with how full it is, in quarters.
class map_cell {
public:
  static constexpr std::size_t large = most_bins, slab = large + 1, segment = slab + 1, groups = segment + 1;
  static constexpr std::size_t levels = 4, codes = 2 + groups * levels;
  static constexpr std::uint16_t free = 0, header = 1;

  /// `live` of `all` are in use.
  static constexpr std::uint16_t of(std::size_t group, std::size_t live, std::size_t all) noexcept {
    std::size_t level = all == 0 || live >= all ? levels - 1 : live * levels / all;
    if (live == 0) level = 0;
    return static_cast<std::uint16_t>(2 + group * levels + level);
  }
  static constexpr std::size_t group(std::size_t code) noexcept { return (code - 2) / levels; }
  static constexpr std::size_t level(std::size_t code) noexcept { return (code - 2) % levels; }
};

/// Up to 32 rows of 512 cells. Their text stays under 50 KB: where it would be longer, cells are joined.
class map_rows {
public:
  static constexpr std::size_t columns = 512, most = 32;

  std::size_t count() const noexcept { return count_; }
  bool full() const noexcept { return count_ == most; }
  std::uint16_t* add(std::uintptr_t address) noexcept {
    addresses_[count_] = address;
    zero_bytes(cells_[count_], sizeof cells_[count_]);
    return cells_[count_++];
  }
  std::uintptr_t address(std::size_t row) const noexcept { return addresses_[row]; }
  /// Effects: writes a path for each kind of cell there is, the first row at `top`, and removes the rows. A unit is one cell
  /// across, and one row down.
  void write(text_out& out, std::size_t top) {
    std::size_t step = 1;
    while (pieces(step) > most_pieces) step *= 2;
    for (std::size_t code = 1; code < map_cell::codes; ++code) write_code(out, code, step, top);
    count_ = 0;
  }

private:
  static constexpr std::size_t most_pieces = 4500;  ///< of about ten bytes each

  std::uint16_t at(std::size_t row, std::size_t column, std::size_t step) const noexcept {
    return cells_[row][column / step * step];
  }
  std::size_t pieces(std::size_t step) const noexcept {
    std::size_t sum = 0;
    for (std::size_t row = 0; row < count_; ++row) {
      for (std::size_t c = 0; c < columns; c += step)
        sum += at(row, c, step) != map_cell::free && (c == 0 || at(row, c, step) != at(row, c - step, step));
    }
    return sum;
  }
  void write_code(text_out& out, std::size_t code, std::size_t step, std::size_t top) {
    bool is_open = false;
    for (std::size_t row = 0; row < count_; ++row) {
      for (std::size_t c = 0; c < columns;) {
        std::size_t const from = c;
        while (c < columns && at(row, c, step) == code) c += step;
        if (c == from) {
          c += step;
          continue;
        }
        if (!is_open) open(out, code);
        is_open = true;
        out << 'M' << from << ' ' << top + row << 'h' << c - from;
      }
    }
    if (is_open) out << "\"/>\n";
  }
  static void open(text_out& out, std::size_t code) {
    if (code == map_cell::header) out << "<path class=\"h\" d=\"";
    else out << "<path class=\"g" << map_cell::group(code) << " f" << map_cell::level(code) << "\" d=\"";
  }

  std::uint16_t cells_[most][columns];
  std::uintptr_t addresses_[most];
  std::size_t count_ = 0;
};

}}}  // namespace zmm::detail
