// The executable twin of a chunk's invariants.
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/chunk/best_fit.hpp>
#include <zmm/chunk/chunk.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Geometry> void verify_chunk(chunk<Geometry> const& c, void const* heap) noexcept {
  check(c.free_pages == Geometry::pages - c.taken.count(), "a chunk counts its free pages", &c, heap);
  check(c.longest == longest_gap(c.taken), "a chunk knows its longest gap", &c, heap);
  check(c.taken.all(0, header_pages<Geometry>), "a chunk's header pages are taken", &c, heap);
  for (std::size_t i = header_pages<Geometry>; i < Geometry::pages; ++i) {
    bool const starts_run = c.map[i].kind() == page_kind::small && c.map[i].distance() == 0;
    check(c.free_slots[i] == 0 || starts_run, "only runs count free slots", &c, heap);
    if (c.taken.test(i)) {
      check(c.dirty.test(i), "a taken page is dirty", &c, heap);
      continue;
    }
    check(!c.grown.test(i), "a grown block ends on a taken page", &c, heap);
    check(c.map[i] == page_entry{}, "a free page has no entry in the map", &c, heap);
  }
}

}}}  // namespace zmm::detail
