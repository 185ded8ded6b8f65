// Visits of a segment heap.
#pragma once
#include <zmm/blocks/block_info.hpp>
#include <zmm/blocks/lowest_items.hpp>
#include <zmm/watch/engine_visit.hpp>
#include <zmm/segment/segment_heap.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Segments come in the order of their addresses, and so do the blocks of each.
template <class Options>
template <class Tell>
bool segment_core<Options>::tell_all(Tell& tell, bool tells_blocks) const {
  struct item {
    segment* s;
    std::uint64_t key() const noexcept { return address_of(s); }
  };
  lowest_items<item> part(source_.count() < 4096 ? source_.count() : 4096);
  auto const look = [&] {
    for (segment* s = source_.first(); s != nullptr; s = s->next) part.offer({s});
  };
  return part.walk(look, [&](item const& chosen) {
    bool const went_back = source_.index().find(chosen.s) != chosen.s;
    return went_back || tell_segment(tell, chosen.s, tells_blocks);
  });
}

template <class Options>
template <class Tell>
bool segment_core<Options>::tell_segment(Tell& tell, segment* s, bool tells_blocks) const {
  area_info area;
  area.kind = s->bytes > standard_bytes() ? area_kind::huge : area_kind::segment;
  area.address = s;
  area.bytes = s->bytes;
  for_each_block(s, [&](heap_block* b, std::size_t word) {
    if ((word & block_flag::used) == 0 || b == reserve_) return;
    ++area.live;
    area.live_bytes += size_in(word) - overhead;
  });
  std::size_t const used = area.live;
  cache_.for_each(words_, [&](heap_block* b, std::size_t) {
    if (address_of(b) - address_of(s) >= s->bytes) return;
    --area.live;
    area.live_bytes -= counted(b);
  });
  return tell(area) && (!Tell::of_blocks || !tells_blocks || area.live == 0 || tell_blocks(tell, s, area.kind, used));
}

template <class Options>
template <class Tell>
bool segment_core<Options>::tell_blocks(Tell& tell, segment* s, area_kind kind, std::size_t used) const {
  struct item {
    heap_block* b;
    std::size_t usable;
    std::uint64_t key() const noexcept { return address_of(b); }
  };
  lowest_items<item> part(used < 32768 ? used : 32768);
  auto const look = [&] {
    if (source_.index().find(s) != s) return;  // it went back meanwhile
    for_each_block(s, [&](heap_block* b, std::size_t word) {
      if ((word & block_flag::used) != 0 && b != reserve_) part.offer({b, size_in(word) - overhead});
    });
    part.sort();
    cache_.for_each(words_, [&](heap_block* b, std::size_t) {
      if (item* const cached = part.find(address_of(b))) cached->usable = 0;
    });
  };
  return part.walk(look, [&](item const& chosen) {
    return chosen.usable == 0 || tell_block(tell, chosen.b->payload(), chosen.usable, kind);
  });
}

template <class Options>
struct inspection<basic_segment_heap<Options>> : inspection<engine_over<segment_core<Options>>> {
  static constexpr char const* name = "segment_heap";
};

}}}  // namespace zmm::detail
