// Visits of a heap for any thread.
#pragma once
#include <zmm/blocks/chunk_walk.hpp>
#include <zmm/blocks/run_bins_walk.hpp>
#include <zmm/watch/engine_visit.hpp>
#include <zmm/threads/synchronized_heap.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Options> template <class Visit> void central<Options>::for_each_depot_slot(Visit visit) noexcept {
  for (std::uint8_t i = 0; i < cache_type::bins; ++i) {
    bin_index const bin{i};
    for_each_magazine(bin, [&](free_slot* magazine) {
      for_each_free(core_.links(), magazine, bin, magazine_slots(bin) + 1, visit);
    });
  }
}

/// Chunks are copied under the heap's lock, 64 at a time, and told of without it.
template <class Options>
template <class Tell>
bool synchronized_heap_own<Options>::tell_all(Tell& tell, bool tells_blocks) const {
  auto& shared = const_cast<central_type&>(central_);
  cache_type const* const own = held_cache();
  walk_facts facts;
  facts.overhead = classes::overhead;
  facts.behind = page_canary_bytes<Options>;
  facts.tells_blocks = tells_blocks;
  chunk_walk<page_geometry<Options>> chunks(shared.locked([](auto& core) { return core.chunks(); }));
  auto const look = [&](auto& part) {
    auto const mark = [&](void const* slot) { part.mark(slot); };
    shared.locked([&](auto& core) {
      part.select([&](auto visit) { core.pages().for_each_chunk(visit); });
      core.bins().for_each_free_slot(mark);
      shared.for_each_depot_slot(mark);
    });
    facts.certain = true;
    for_each_cache([&](auto const& c) {
      if (&c != own) facts.certain = facts.certain && !c.holder.is_held();
    });
    for (std::uint8_t i = 0; i < cache_type::bins && own != nullptr; ++i) {
      own->for_each_linked(bin_index{i}, mark);
      for_each_fresh<page_geometry<Options>>(own->fresh(bin_index{i}), bin_index{i}, mark);
    }
  };
  return chunks.run(tell, facts, look) && walk_huge(tell, facts, [&](auto work) { central_.source().locked(work); });
}

template <class Options>
struct inspection<basic_synchronized_heap<Options>> : inspection<engine_over<synchronized_heap_own<Options>>> {
  static constexpr char const* name = "synchronized_heap";
};

}}}  // namespace zmm::detail
