// Visits of a heap.
#pragma once
#include <zmm/blocks/chunk_walk.hpp>
#include <zmm/blocks/run_bins_walk.hpp>
#include <zmm/watch/engine_visit.hpp>
#include <zmm/heap/heap.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Options>
template <class Tell>
bool heap_own<Options>::tell_all(Tell& tell, bool tells_blocks) const {
  walk_facts facts;
  facts.overhead = classes::overhead;
  facts.behind = page_canary_bytes<Options>;
  facts.tells_blocks = tells_blocks;
  chunk_walk<page_geometry<Options>> chunks(core_.chunks());
  return chunks.run(tell, facts, [&](auto& part) {
    part.select([&](auto visit) { core_.pages().for_each_chunk(visit); });
    core_.bins().for_each_free_slot([&](void const* slot) { part.mark(slot); });
  }) && walk_huge(tell, facts, [&](auto work) { work(source_); });
}

template <class Options> struct inspection<basic_heap<Options>> : inspection<engine_over<heap_own<Options>>> {
  static constexpr char const* name = "heap";
};

}}}  // namespace zmm::detail
