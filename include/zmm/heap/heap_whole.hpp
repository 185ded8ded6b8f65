// The heap as a whole: release, limit, figures, verification.
#pragma once

#include <zmm/heap/heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

template <class Options> void basic_heap<Options>::release() noexcept {
  detail::check(!gate_.asking(), "a limit hook does not release the heap", nullptr, this);
  if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::end_all(*this, true);
  source_.release_huge();
  core_.release();
  source_.end_request();
  rekey();
  live_ = 0;
  reset_peak();
}

template <class Options> bool basic_heap<Options>::set_limit(std::size_t bytes) noexcept {
  if (source_.book().set_limit(bytes)) return true;
  source_.drop_cached();
  if (source_.book().set_limit(bytes)) return true;
  collect();
  source_.drop_cached();
  return source_.book().set_limit(bytes);
}

template <class Options> statistics basic_heap<Options>::stats() const {
  statistics s;
  core_.count_live(s.size, s.live_blocks);
  s.size += source_.huge_bytes();
  s.live_blocks += source_.huge_blocks();
  s.peak = peak_;
  s.peak_exact = Options::exact_peak;
  s.real_size = source_.book().real_size();
  s.real_peak = source_.book().real_peak();
  s.chunks = source_.chunks();
  s.cached_chunks = source_.cached_chunks();
  s.huge_blocks = source_.huge_blocks();
  if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::correct(*this, s);
  return s;
}

template <class Options> void basic_heap<Options>::reset_peak() noexcept {
  peak_ = Options::exact_peak ? live_ : carved();
  if (ZMM_UNLIKELY(is_watched()) && watch() != nullptr) watch()->reset_peak();
  source_.book().reset_peak();
}

/// Invariants:
///     exact_peak: live == what the bins, the maps and the index say is live
///     size <= peak
template <class Options> void basic_heap<Options>::verify() const {
  if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::verify(*this);
  if (ZMM_UNLIKELY(forwards())) return;  // there is nothing else
  source_.verify(this);
  core_.verify(0, this);
  detail::check(core_.chunks() == source_.chunks(), "every chunk in use is in a span list", nullptr, this);
  statistics const s = stats();
  if (ZMM_UNLIKELY(is_watched())) return;  // the figures are the watch's
  if constexpr (Options::exact_peak) detail::check(s.size == live_, "live bytes are counted", nullptr, this);
  detail::check(s.size <= s.peak, "size does not pass its peak", nullptr, this);
}

}}  // namespace zmm
