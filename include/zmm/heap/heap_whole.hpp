// The heap as a whole: release, limit, figures, verification.
#pragma once

#include <zmm/heap/heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

template <class Options> void basic_heap<Options>::release() noexcept {
  detail::check(!gate_.asking(), "a limit hook does not release the heap", nullptr, this);
  pages_.release();
  bins_.reset();
  large_bytes_ = 0;
  large_blocks_ = 0;
  live_ = 0;
  reset_peak();
}

template <class Options> bool basic_heap<Options>::set_limit(std::size_t bytes) noexcept {
  if (pages_.book().set_limit(bytes)) return true;
  pages_.drop_cached();
  if (pages_.book().set_limit(bytes)) return true;
  collect();
  pages_.drop_cached();
  return pages_.book().set_limit(bytes);
}

template <class Options> statistics basic_heap<Options>::stats() const {
  statistics s;
  bins_.count_live(s.size, s.live_blocks);
  s.size += large_bytes_ + pages_.huge_bytes();
  s.live_blocks += large_blocks_ + pages_.huge_blocks();
  s.peak = peak_;
  s.peak_exact = Options::exact_peak;
  s.real_size = pages_.book().real_size();
  s.real_peak = pages_.book().real_peak();
  s.chunks = pages_.chunks();
  s.cached_chunks = pages_.cached_chunks();
  s.huge_blocks = pages_.huge_blocks();
  return s;
}

template <class Options> void basic_heap<Options>::reset_peak() noexcept {
  peak_ = Options::exact_peak ? live_ : carved();
  pages_.book().reset_peak();
}

/// Invariants:
///     large_bytes, large_blocks == sum over the page maps
///     every taken page is a header's, a run's or a large block's
///     exact_peak: live == what the bins, the maps and the index say is live
///     size <= peak
template <class Options> void basic_heap<Options>::verify() const {
  pages_.verify(this);
  bins_.verify(pages_, this);
  std::size_t bytes = 0, blocks = 0;
  pages_.for_each_chunk([&](chunk_type* c) {
    for (std::size_t i = detail::header_pages<geometry>; i < geometry::pages;) {
      detail::page_entry const entry = c->map[i];
      if (entry.kind() != detail::page_kind::large) {
        bool const is_small = entry.kind() == detail::page_kind::small;
        detail::check(c->taken.test(i) == is_small, "a taken page belongs to a run or a large block", c->page(i), this);
        ++i;
        continue;
      }
      detail::check(entry.tag() != 0 && i + entry.tag() <= geometry::pages, "a large block lies in its chunk",
                    c->page(i), this);
      detail::check(c->taken.all(i, entry.tag()), "the pages of a large block are taken", c->page(i), this);
      for (std::size_t k = 1; k < entry.tag(); ++k) {
        detail::check(c->map[i + k] == detail::page_entry{}, "no entry lies inside a large block", c->page(i + k),
                      this);
      }
      bytes += entry.tag() * geometry::page_bytes;
      ++blocks;
      i += entry.tag();
    }
  });
  detail::check(bytes == large_bytes_ && blocks == large_blocks_, "large blocks are counted", nullptr, this);
  statistics const s = stats();
  if constexpr (Options::exact_peak) detail::check(s.size == live_, "live bytes are counted", nullptr, this);
  detail::check(s.size <= s.peak, "size does not pass its peak", nullptr, this);
}

}}  // namespace zmm
