// The executable twin of the page layer's invariants.
#pragma once

#include <zmm/chunk/page_layer.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Geometry> void verify_chunk(chunk<Geometry> const& c, void const* heap) noexcept {
  check(c.free_pages == Geometry::pages - c.taken.count(), "a chunk counts its free pages", &c, heap);
  check(c.longest == longest_gap(c.taken), "a chunk knows its longest gap", &c, heap);
  check(c.taken.all(0, header_pages<Geometry>), "a chunk's header pages are taken", &c, heap);
  for (std::size_t i = header_pages<Geometry>; i < Geometry::pages; ++i) {
    if (c.taken.test(i)) {
      check(c.dirty.test(i), "a taken page is dirty", &c, heap);
      continue;
    }
    check(c.map[i] == page_entry{}, "a free page has no entry in the map", &c, heap);
  }
}

template <class Geometry> void page_layer<Geometry>::verify(void const* heap) const noexcept {
  index_.verify(heap);
  std::size_t listed = 0;
  lists_.for_each([&](chunk_type* c) {
    ++listed;
    extent const* const e = index_.find(c);
    check(e != nullptr && e->is_chunk() && e->start == c, "a chunk in use is in the address index", c, heap);
    check(c->owner == this, "a chunk in use belongs to its heap", c, heap);
    check(listed <= chunks_, "the span lists end", c, heap);
    verify_chunk(*c, heap);
  });
  check(listed == chunks_, "every chunk in use is in a span list", nullptr, heap);
  lists_.verify(heap);

  std::size_t cached = 0;
  for (chunk_type* c = cached_.top(); c != nullptr && cached < cached_.count(); c = c->next, ++cached) {
    extent const* const e = index_.find(c);
    check(e != nullptr && e->is_chunk(), "a cached chunk is in the address index", c, heap);
    check(c->free_pages == usable_pages<Geometry>, "a cached chunk is empty", c, heap);
    verify_chunk(*c, heap);
  }
  check(cached == cached_.count(), "the cache counts its chunks", nullptr, heap);

  std::size_t huge = 0, huge_count = 0;
  for_each_huge([&](extent const& e) {
    huge += e.bytes;
    ++huge_count;
    check(e.reserve >= e.bytes && e.bytes % os_page_size() == 0, "a huge block is whole OS pages", e.start, heap);
  });
  check(huge == huge_bytes_, "huge bytes are counted", nullptr, heap);
  check(huge_count == huge_blocks(), "the index holds chunks and huge blocks and nothing else", nullptr, heap);
  check(book_.real_size() == (chunks_ + cached_.count()) * Geometry::chunk_bytes + huge + index_.table_bytes(),
        "real_size is what was taken from storage", nullptr, heap);
  check(book_.real_peak() >= book_.real_size(), "real_peak is no less than real_size", nullptr, heap);
}

}}}  // namespace zmm::detail
