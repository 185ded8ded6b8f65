// The live blocks that a watch knows, in the order of their allocation.
#pragma once
#include <zmm/blocks/block_info.hpp>
#include <zmm/blocks/lowest_items.hpp>
#include <zmm/watch/watched_engine.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Effects: tells of each live block of the watch: a few thousand are copied at one moment, the oldest first, and told when
/// nobody is inside, so that the visitor may use the engine. Blocks freed meanwhile may be told of; blocks allocated
/// meanwhile may be left out. Memory for the copies comes from the system. Complexity: linear in blocks, and once more
/// for every 32,768 of them. `largest_slot`: the engine's. Returns: false if the visitor had enough.
template <class Watch, class Tell> bool walk_watch(Watch const& watch, Tell& tell, std::size_t largest_slot) {
  struct item {
    std::uint64_t number;
    void* start;
    std::size_t bytes, room;
    std::uint32_t site;
    std::uint64_t key() const noexcept { return number; }
  };
  std::size_t const live = watch.live_blocks(), most = 32768;
  lowest_items<item> part(live < most ? live : most);
  auto const look = [&] {
    watch.inspect([&] {
      watch.for_each_live([&](watched_block const& b) { part.offer({b.number, b.start(), b.bytes, b.room, b.site}); });
    });
  };
  return part.walk(look, [&](item const& copy) {
    stop_info where{};
    watch.inspect([&] { watch.sites().describe(copy.site, where); });
    block_info block;
    block.address = copy.start;
    block.bytes = block.usable = copy.bytes;
    block.kind = copy.room > largest_slot ? area_kind::large : area_kind::run;
    block.site = {where.file, where.line};
    block.label = where.label;
    block.number = copy.number;
    return tell(block);
  });
}

}}}  // namespace zmm::detail
