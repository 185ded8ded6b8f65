// What an engine's memory is used for, summed up.
#pragma once
#include <zmm/blocks/block_info.hpp>
#include <zmm/base/size_classes.hpp>
#include <zmm/heap/heap_visit.hpp>
#include <zmm/request/request_visit.hpp>
#include <zmm/segment/segment_visit.hpp>
#include <zmm/threads/synchronized_heap_visit.hpp>
#include <zmm/threads/thread_heap.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class X> inline constexpr bool is_pool = false;
template <class Geometry> inline constexpr bool is_pool<basic_request_pool<Geometry>> = true;

template <class X> inline constexpr bool has_chunks = true;
template <class Options> inline constexpr bool has_chunks<basic_segment_heap<Options>> = false;

/// Whether engines of this type always have a watch, which knows their blocks: a visit then passes them after all areas.
template <class X, class = void> inline constexpr bool knows_blocks_apart = false;
template <class X>
inline constexpr bool knows_blocks_apart<X, std::enable_if_t<watch_of<typename X::options>::is_constant>> = true;

struct area_sum {
  std::size_t areas = 0, bytes = 0, slots = 0, live = 0, live_bytes = 0;
  void add(area_info const& area) noexcept {
    ++areas;
    bytes += area.bytes;
    slots += area.slots;
    live += area.live;
    live_bytes += area.live_bytes;
  }
};

struct area_sums {
  area_sum kinds[area_kinds];
  area_sum bins[most_bins];

  template <class Engine> explicit area_sums(Engine const& of) {
    of.visit([this](area_info const& area) {
      kinds[static_cast<std::size_t>(area.kind)].add(area);
      if (area.bin >= 0) bins[area.bin].add(area);
      return true;
    });
  }
};

}}}  // namespace zmm::detail
