// What a visitor of an engine is told: areas of memory, and the live blocks in them. Vocabulary: inspect.hpp has the visits.
#pragma once
#include <zmm/options.hpp>

#include <cstdint>
#include <utility>

namespace zmm { inline namespace ZMM_ABI {

/// What an area of an engine's memory is used for.
enum class area_kind : unsigned char {
  run,      ///< pages cut into slots of one bin
  large,    ///< pages of one block
  huge,     ///< a block with a mapping of its own
  slab,     ///< what a request packs its small blocks into
  segment,  ///< of a segment heap: blocks of all sizes, one behind the other
};

namespace detail {
inline constexpr std::size_t area_kinds = static_cast<std::size_t>(area_kind::segment) + 1;
}

constexpr char const* name_of(area_kind kind) noexcept {
  constexpr char const* names[detail::area_kinds] = {"run", "large", "huge", "slab", "segment"};
  return names[static_cast<std::size_t>(kind)];
}

inline constexpr int no_bin = -1;  ///< of what is no slot

/// A piece of an engine's memory with one use. Figures are the engine's own: freed blocks that a watch keeps from
/// reuse, and its zones beside blocks, count as in use.
struct area_info {
  area_kind kind = area_kind::run;
  void const* address = nullptr;
  std::size_t bytes = 0;       ///< of all of it
  int bin = no_bin;            ///< of a run: its bin's number
  std::size_t slot_bytes = 0;  ///< of a run: bytes of each slot
  std::size_t slots = 0;       ///< places for blocks; 0: as many as fit
  std::size_t live = 0;        ///< blocks that are not known to be free
  std::size_t live_bytes = 0;  ///< bytes of those, as `statistics::size` counts them
};

/// A live block.
struct block_info {
  void const* address = nullptr;
  std::size_t bytes = 0;   ///< as it was asked for, if the engine knows; else as `usable`
  std::size_t usable = 0;  ///< what its place has room for
  int bin = no_bin;        ///< of its slot; no_bin: paged, or not told
  area_kind kind = area_kind::run;
  call_site site;               ///< where it was allocated; file null: not known
  char const* label = nullptr;  ///< the innermost zmm::label then; null: none, or not known
  std::uint64_t number = 0;     ///< which allocation of its engine it was, counted from 1; 0: not known
  bool certain = true;  ///< false: it may be free, in the cache of another thread, which only that thread can look into
};

namespace detail {

template <class F, class Info, class = bool> inline constexpr bool hears = false;
template <class F, class Info>
inline constexpr bool hears<F, Info, decltype(static_cast<bool>(std::declval<F&>()(std::declval<Info const&>())))> =
    true;

/// What an engine tells to a visitor, which may want to hear of areas, of blocks or of both.
template <class F> class teller {
public:
  static constexpr bool of_areas = hears<F, area_info>;
  static constexpr bool of_blocks = hears<F, block_info>;
  static_assert(of_areas || of_blocks,
                "zmm: a visitor takes area_info const&, block_info const& or both, and returns bool");

  explicit teller(F& visitor) noexcept : visitor_(visitor) {}
  /// Returns: whether to go on.
  bool operator()([[maybe_unused]] area_info const& area) {
    if constexpr (of_areas) return static_cast<bool>(visitor_(area));
    return true;
  }
  bool operator()([[maybe_unused]] block_info const& block) {
    if constexpr (of_blocks) return static_cast<bool>(visitor_(block));
    return true;
  }

private:
  F& visitor_;
};

/// Tells of a block of which only its place and its size are known.
template <class Tell> bool tell_block(Tell& tell, void const* start, std::size_t bytes, area_kind kind) {
  block_info block;
  block.address = start;
  block.bytes = block.usable = bytes;
  block.kind = kind;
  return tell(block);
}
/// Tells of an area that is one block, or has room for one, and of the block, which may not use the last `behind` bytes.
template <class Tell>
bool tell_whole(Tell& tell, void const* start, std::size_t bytes, area_kind kind, bool tells_block,
                bool is_free = false, std::size_t behind = 0) {
  area_info area;
  area.kind = kind;
  area.address = start;
  area.bytes = bytes;
  area.slots = 1;
  area.live = is_free ? 0 : 1;
  area.live_bytes = is_free ? 0 : bytes;
  return tell(area) && (is_free || !tells_block || tell_block(tell, start, bytes - behind, kind));
}

}  // namespace detail
}}  // namespace zmm
