// What a request pool does without its lock.
#pragma once

#include <zmm/request/request_pool.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// A slab of the thread's own magazine; null if it has none, or another thread has claimed it.
template <class Geometry>
ZMM_INLINE detail::slab* basic_request_pool<Geometry>::take_warm_slab(std::size_t order, bool& joined) noexcept {
  std::uint32_t const at = detail::home_magazine::number();
  magazine& m = magazines_[at % magazine_count];
  if (ZMM_UNLIKELY(!m.may_have(order))) return nullptr;
  if (ZMM_UNLIKELY(!m.try_claim())) {
    detail::home_magazine::move_to(at + 1);
    return nullptr;
  }
  detail::slab* const s = m.pop(order);
  if (ZMM_LIKELY(s != nullptr && !joined)) {
    m.note_join();
    joined = true;
  }
  m.unclaim();
  return s;
}

template <class Geometry>
void* basic_request_pool<Geometry>::take_warm_run(std::size_t pages, std::size_t alignment, bool& joined) noexcept {
  std::uint32_t const at = detail::home_magazine::number();
  magazine& m = magazines_[at % magazine_count];
  if (!m.may_have_runs()) return nullptr;
  if (!m.try_claim()) {
    detail::home_magazine::move_to(at + 1);
    return nullptr;
  }
  void* const run = m.pop_run(pages, alignment);
  if (run != nullptr && !joined) {
    m.note_join();
    joined = true;
  }
  m.unclaim();
  return run;
}

/// The thread's own magazine, or the next one that nobody has claimed, which then is its own. Null: all are claimed.
template <class Geometry>
ZMM_INLINE typename basic_request_pool<Geometry>::magazine* basic_request_pool<Geometry>::claim_any() noexcept {
  std::uint32_t const at = detail::home_magazine::number();
  if (magazine& m = magazines_[at % magazine_count]; ZMM_LIKELY(m.try_claim())) return &m;
  for (std::uint32_t i = 1; i < magazine_count; ++i) {
    magazine& m = magazines_[(at + i) % magazine_count];
    if (!m.try_claim()) continue;
    detail::home_magazine::move_to(at + i);
    return &m;
  }
  return nullptr;
}

/// Effects: puts slabs into a claimed magazine. Returns: those it has no room for, and some of those of that size that
/// it had.
template <class Geometry>
ZMM_INLINE detail::slab* basic_request_pool<Geometry>::fill(magazine& into, detail::slab* list) noexcept {
  while (list != nullptr) {
    detail::slab* const next = list->next;
    if (ZMM_UNLIKELY(!into.push(list))) {
      list->next = next;
      return into.spill(orders::order_of(list->bytes), list);
    }
    list = next;
  }
  return nullptr;
}

template <class Geometry>
ZMM_INLINE void basic_request_pool<Geometry>::end(detail::slab* slabs, std::size_t used_bytes, std::size_t real_peak,
                                                  bool& joined) noexcept {
  std::size_t const size = detail::request_sizes::bucket_of(detail::divide_up(real_peak, Geometry::page_bytes));
  std::size_t const demand = detail::slab_demand<Geometry>::demand_of(used_bytes);
  detail::ended_request const ended{static_cast<std::uint8_t>(size), static_cast<std::uint8_t>(demand)};
  joined = false;
  magazine* const m = claim_any();
  if (ZMM_UNLIKELY(m == nullptr)) return end_unwarmed(slabs, ended);
  detail::slab* const rest = fill(*m, slabs);
  if (ZMM_LIKELY(!m->note_end(ended) && rest == nullptr)) return m->unclaim();
  end_noting(*m, rest);
}

template <class Geometry> void basic_request_pool<Geometry>::give_slabs(detail::slab* list) noexcept {
  if (magazine* const m = claim_any()) {
    list = fill(*m, list);
    m->unclaim();
  }
  if (list != nullptr) shelve_all(list);
}

template <class Geometry>
void* basic_request_pool<Geometry>::take_run(std::size_t pages, std::size_t alignment, bool& joined,
                                             detail::admission& asked) noexcept {
  if (pages <= magazine::most_pages) {
    if (void* const run = take_warm_run(pages, alignment, joined)) return run;
  }
  return take_run_locked(pages, alignment, joined, asked);
}

template <class Geometry> void basic_request_pool<Geometry>::give_run(void* run, std::size_t pages) noexcept {
  detail::paged_block left(run, pages);
  if (pages <= magazine::most_pages) {
    if (magazine* const m = claim_any()) {
      left = m->push_run(left);
      m->unclaim();
    }
  }
  if (left.start() != nullptr) give_run_locked(left);
}

}}  // namespace zmm
