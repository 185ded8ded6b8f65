// Compares a visit of an engine with a model of what is live in it.
#pragma once
#include "engines.hpp"
#include "shadow_model.hpp"
#include <zmm/inspect.hpp>
#include <algorithm>
#include <cstdint>
#include <vector>

namespace zmm_test {

struct visited {
  std::vector<zmm::area_info> areas;
  std::vector<zmm::block_info> blocks;

  template <class Heap> static visited of(Heap const& heap) {
    visited v;
    bool const whole = heap.visit([&](auto const& told) {
      if constexpr (std::is_same_v<std::decay_t<decltype(told)>, zmm::area_info>) v.areas.push_back(told);
      else v.blocks.push_back(told);
      return true;
    });
    if (!whole) FAIL_CHECK("a visit that nobody stopped came to no end");
    return v;
  }
  std::size_t live() const {
    std::size_t sum = 0;
    for (auto const& area : areas) sum += area.live;
    return sum;
  }
  std::size_t live_bytes() const {
    std::size_t sum = 0;
    for (auto const& area : areas) sum += area.live_bytes;
    return sum;
  }
};

// The live blocks are the model's, each visited once, and areas add up to the figures. Only a watch knows the packed blocks
// of a request: without one, only the paged ones are visited.
template <class Heap> void check_visit(Heap const& heap, shadow_model const& model, bool is_watched, bool forwards) {
  visited v = visited::of(heap);
  zmm::statistics const s = heap.stats();
  auto const by_address_order = [](auto const& a, auto const& b) { return a.address < b.address; };
  std::sort(v.blocks.begin(), v.blocks.end(), by_address_order);
  std::vector<shadow_block> expected = model.blocks();
  std::sort(expected.begin(), expected.end(), [](auto const& a, auto const& b) { return a.p < b.p; });
  bool const tells_all = by_address<Heap> || is_watched;
  if (tells_all && v.blocks.size() != expected.size()) {
    FAIL_CHECK("told of " << v.blocks.size() << " blocks, model " << expected.size());
    return;
  }
  std::size_t at = 0;
  for (zmm::block_info const& told : v.blocks) {
    while (!tells_all && at < expected.size() && expected[at].p < told.address) ++at;
    if (at == expected.size() || expected[at].p != told.address) {
      FAIL_CHECK("told of a block that is not live");
      return;
    }
    shadow_block const& block = expected[at++];
    if (told.usable < block.most || told.bytes > told.usable) FAIL_CHECK("told of a block that is too small");
    if (!told.certain) FAIL_CHECK("nobody else has a cache");
  }
  if (is_watched) return;  // the areas count what the watch takes
  if (forwards && !v.areas.empty()) FAIL_CHECK("told of areas that are malloc's");
  if (v.live() != s.live_blocks) FAIL_CHECK("areas have " << v.live() << " blocks, stats " << s.live_blocks);
  if (v.live_bytes() != s.size) FAIL_CHECK("areas have " << v.live_bytes() << " bytes, stats " << s.size);
  std::sort(v.areas.begin(), v.areas.end(), by_address_order);
  std::uintptr_t end = 0;
  for (zmm::area_info const& area : v.areas) {
    auto const start = reinterpret_cast<std::uintptr_t>(area.address);
    if (start < end || area.bytes == 0) FAIL_CHECK("areas overlap");
    end = start + area.bytes;
  }
}

}  // namespace zmm_test
