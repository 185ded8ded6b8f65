// The page layer's dealings in whole chunks: adding, retiring, purging.
#pragma once

#include <zmm/chunk/page_layer.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Adds a chunk; if there is none to be had, finds one with a gap of `needed` pages that the quick search overlooked.
template <class Geometry, class Source>
ZMM_NOINLINE chunk<Geometry>* page_layer<Geometry, Source>::find_or_add(std::size_t needed, admission& asked) noexcept {
  if (asked.no_chunk) return nullptr;
  chunk_type* const c = source_->take_chunk(owner_, asked);
  if (c == nullptr) return asked.at_hand ? nullptr : lists_.find_hidden(needed);
  lists_.insert(c);
  ++chunks_;
  return c;
}

/// Requires: all pages of `c` are free; `longest` is still what it is listed by.
template <class Geometry, class Source>
ZMM_NOINLINE std::size_t page_layer<Geometry, Source>::retire(chunk_type* c) noexcept {
  check_links(c);
  lists_.remove(c);
  c->longest = c->free_pages;
  --chunks_;
  return source_->give_chunk(c);
}

template <class Geometry, class Source> std::size_t page_layer<Geometry, Source>::retire_empty() noexcept {
  std::size_t bytes = 0;
  lists_.for_each([&](chunk_type* c) {
    if (c->free_pages == usable_pages<Geometry>) bytes += retire(c);
  });
  return bytes;
}

template <class Geometry, class Source>
bool page_layer<Geometry, Source>::extend_pages(void* first, std::size_t count, std::size_t more) noexcept {
  chunk_type* const c = chunk_type::of(first);
  std::size_t const end = chunk_type::page_of(first) + count;
  std::size_t const gap = free_behind(first, count);
  if (gap < more) return false;
  occupy(c, end, more);
  c->grown.clear(end - 1, 1);
  c->grown.set(end + more - 1, 1);
  check_links(c);
  if (gap == c->longest) lists_.relist(c, longest_gap(c->taken));
  return true;
}

/// Takes pages of the gap at `first`, behind a block that has grown and may grow on: from the end of the gap, or, for
/// another block that grows, from its middle, so that each has half of it.
template <class Geometry, class Source>
ZMM_NOINLINE void* page_layer<Geometry, Source>::take_behind_grown(chunk_type* c, std::size_t first, std::size_t count,
                                                                   std::size_t alignment, growth expected) noexcept {
  std::size_t const spare = c->taken.next_set(first) - first - count;
  first += align_down(expected == growth::known ? spare / 2 : spare, alignment);
  occupy(c, first, count);
  if (expected == growth::known) c->grown.set(first + count - 1, 1);
  check_links(c);
  lists_.relist(c, longest_gap(c->taken));
  return c->page(first);
}

/// From a gap four times as long, else twice as long, else any that is long enough, before another chunk is taken.
template <class Geometry, class Source>
ZMM_NOINLINE void* page_layer<Geometry, Source>::take_growing(std::size_t count, std::size_t alignment,
                                                              admission& asked) noexcept {
  chunk_type* c = nullptr;
  std::size_t room = 8 * count;
  while (c == nullptr && (room /= 2) > count) {
    if (fits_chunk(room, alignment)) c = lists_.find(room + alignment - 1);
  }
  std::size_t const needed = count + alignment - 1;
  if (c == nullptr) c = lists_.find(needed);
  if (c == nullptr && (c = find_or_add(needed, asked)) == nullptr) return nullptr;
  std::size_t const first = best_fit(c->taken, room, alignment, c->longest).first;
  if (c->grown.test(first - 1)) return take_behind_grown(c, first, count, alignment, growth::known);
  occupy(c, first, count);
  c->grown.set(first + count - 1, 1);
  check_links(c);
  lists_.relist(c, longest_gap(c->taken));
  return c->page(first);
}

/// Purges the dirty ones of the free pages, by whole OS pages. Returns: bytes.
template <class Geometry, class Source> std::size_t page_layer<Geometry, Source>::purge_free_pages(chunk_type* c) noexcept {
  std::size_t const grain = os_page_size() > Geometry::page_bytes ? os_page_size() / Geometry::page_bytes : 1;
  std::size_t purged = 0;
  for (std::size_t gap = c->taken.next_clear(0); gap < Geometry::pages; gap = c->taken.next_clear(gap)) {
    std::size_t const end = c->taken.next_set(gap);
    while ((gap = c->dirty.next_set(gap)) < end) {
      std::size_t const clean = c->dirty.next_clear(gap);
      std::size_t const from = align_up(gap, grain), to = align_down(clean < end ? clean : end, grain);
      if (from < to && source_->purge(c->page(from), (to - from) * Geometry::page_bytes)) {
        c->dirty.clear(from, to - from);
        purged += (to - from) * Geometry::page_bytes;
      }
      gap = clean;
    }
    gap = end;
  }
  return purged;
}

template <class Geometry, class Source> std::size_t page_layer<Geometry, Source>::purge() noexcept {
  std::size_t bytes = 0;
  lists_.for_each([&](chunk_type* c) { bytes += purge_free_pages(c); });
  return bytes;
}

template <class Geometry, class Source> void page_layer<Geometry, Source>::release() noexcept {
  chunk_type* oldest = nullptr;
  lists_.for_each([&](chunk_type* c) {
    if (oldest == nullptr || c->number < oldest->number) oldest = c;
  });
  lists_.for_each([&](chunk_type* c) {
    if (c != oldest) source_->put_aside(c);
  });
  forget();
  if (oldest == nullptr) return;
  Source::format(oldest);
  lists_.insert(oldest);
  chunks_ = 1;
}

}}}  // namespace zmm::detail
