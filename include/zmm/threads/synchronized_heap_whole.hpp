// The synchronized heap as a whole: release, limit, collection, figures, verification.
#pragma once

#include <zmm/threads/synchronized_heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

template <class Options> bool basic_synchronized_heap<Options>::owns(void const* p) const noexcept {
  if (ZMM_UNLIKELY(forwards())) return watch()->owns(p);
  detail::extent const e = source_.find(p);
  using chunk_type = typename part_type::chunk_type;
  return e.is_chunk() ? chunk_type::page_of(p) >= detail::header_pages<geometry> : e.start != nullptr;
}

template <class Options> void basic_synchronized_heap<Options>::release() noexcept {
  part_type const* const own = held_part();
  detail::check(own == nullptr || !own->gate.asking(), "a limit hook does not release the heap", nullptr, this);
  if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::end_all(*this, true);
  // The chunks are taken from the parts, not given by them: a part that a fork has frozen cannot give any.
  source_.locked([](auto& s) {
    s.release();
    s.end_request();
  });
  this->draw();
  for_each_part([&](part_type& p) {
    p.forget();
    this->hand_to(p);
    if (p.state.is_frozen()) p.state.abandon();
  });
  has_frozen_ = false;
  carved_.store(0, std::memory_order_relaxed);
  reset_peak();
}

template <class Options> std::size_t basic_synchronized_heap<Options>::collect() noexcept {
  std::size_t bytes = 0;
  if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::settle(*this);
  for_each_idle_part([](part_type& p) { p.send_all_home(); });  // all of them first: one's foreign slots are another's
  for_each_idle_part([&](part_type& p) {
    p.send_all_home();  // once more: the thread of this part may have ended since, with slots it had taken over
    p.bring_home();
    bytes += p.collect();
    note_carved(p.publish());
  });
  return bytes;
}

template <class Options> std::size_t basic_synchronized_heap<Options>::trim() noexcept {
  std::size_t bytes = 0;
  if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::settle(*this);
  for_each_idle_part([&](part_type& p) { bytes += p.purge(); });
  return bytes + source_.locked([](auto& s) { return s.trim(); });
}

template <class Options> bool basic_synchronized_heap<Options>::set_limit(std::size_t bytes) noexcept {
  auto const try_to = [&] {
    return source_.locked([&](auto& s) {
      if (s.book().set_limit(bytes)) return true;
      s.drop_cached();
      return s.book().set_limit(bytes);
    });
  };
  if (try_to()) return true;
  collect();
  return try_to();
}

template <class Options> void basic_synchronized_heap<Options>::on_limit(limit_hook hook, void* user) noexcept {
  source_.locked([&](auto&) { hook_.set(hook, user); });
}

template <class Options> bool basic_synchronized_heap<Options>::lifted() const noexcept {
  part_type const* const own = held_part();
  return own != nullptr && own->gate.lifted();
}

template <class Options> void basic_synchronized_heap<Options>::lift_limit() noexcept {
  detail::admission asked;
  asked.lifted = true;  // the thread's part itself is made in spite of the limit
  if (part_type* const own = part_or_join(asked)) own->gate.lift();
}
template <class Options> void basic_synchronized_heap<Options>::unlift_limit() noexcept {
  part_type* const own = held_part();
  if (own != nullptr && own->gate.lifted()) own->gate.unlift();
}

/// `more`, modulo 2^64, is carved than before.
template <class Options> void basic_synchronized_heap<Options>::note_carved(std::size_t more) noexcept {
  if (more == 0) return;
  // Relaxed: figures, which order nothing.
  std::size_t const now = carved_.fetch_add(more, std::memory_order_relaxed) + more;
  std::size_t peak = peak_.load(std::memory_order_relaxed);
  while (now > peak && static_cast<std::ptrdiff_t>(more) > 0 &&
         !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {}
}

template <class Options> void basic_synchronized_heap<Options>::reset_peak() noexcept {
  peak_.store(carved_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  if (ZMM_UNLIKELY(is_watched()) && watch() != nullptr) watch()->reset_peak();
  source_.locked([](auto& s) { s.book().reset_peak(); });
}

template <class Options> statistics basic_synchronized_heap<Options>::stats() const {
  statistics s;
  part_type const* const own = held_part();
  for_each_part([&](part_type& p) {
    bool const claimed = p.state.claim();
    if (claimed || &p == own) {
      p.count_live(s.size, s.live_blocks);
    } else {
      s.size += p.published_bytes();
      s.live_blocks += p.published_blocks();
    }
    if (claimed) p.state.abandon();
  });
  source_.locked([&](auto const& from) {
    s.size += from.huge_bytes();
    s.live_blocks += from.huge_blocks();
    s.real_size = from.book().real_size();
    s.real_peak = from.book().real_peak();
    s.chunks = from.chunks();
    s.cached_chunks = from.cached_chunks();
    s.huge_blocks = from.huge_blocks();
  });
  s.peak = peak_.load(std::memory_order_relaxed);
  if (s.peak < s.size) s.peak = s.size;
  if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::correct(*this, s);
  return s;
}

/// Invariants:
///     chunks in use == sum over parts
///     carved == sum of what the parts publish + huge bytes
template <class Options> void basic_synchronized_heap<Options>::verify() const {
  if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::verify(*this);
  if (ZMM_UNLIKELY(forwards())) return;  // there is nothing else
  std::size_t chunks = 0, carved = 0, slots = 0;
  bool any_frozen = false;
  for_each_part([&](part_type& p) { slots += p.carved_blocks(); });
  for_each_part([&](part_type& p) {
    carved += p.published_bytes();
    any_frozen = any_frozen || p.state.is_frozen();
    if (p.state.is_frozen()) return;
    p.verify(slots, this);
    chunks += p.chunks();
  });
  source_.locked([&](auto const& s) {
    s.verify(this);
    carved += s.huge_bytes();
    detail::check(any_frozen || chunks == s.chunks(), "every chunk in use is some thread's", nullptr, this);
  });
  detail::check(carved == carved_.load(std::memory_order_relaxed), "carved bytes are counted", nullptr, this);
}

}}  // namespace zmm
