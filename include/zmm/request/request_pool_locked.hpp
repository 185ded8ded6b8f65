// What a request pool does under its lock.
#pragma once

#include <zmm/request/request_pool.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI {

/// A slab from the shelves, from another magazine, or of fresh pages.
template <class Geometry>
ZMM_NOINLINE detail::slab* basic_request_pool<Geometry>::take_slab_locked(std::size_t order, bool& joined,
                                                                          detail::admission& asked) noexcept {
  locked const guard(*this);
  detail::slab* s = shelves_.pop(order);
  if (s != nullptr) {
    note_lent(s->bytes);
    refill(order);
  } else if ((s = steal(order)) == nullptr) {
    std::size_t const pages = std::size_t{1} << order;
    void* const run = take_pages(pages, 1, asked);
    if (run == nullptr) return nullptr;
    chunk_type::of(run)->map[chunk_type::page_of(run)] = detail::page_entry::slab(pages);
    s = ::new (run) detail::slab{nullptr, orders::bytes(order)};
  }
  join(joined);
  return s;
}

/// Takes a slab out of some magazine that nobody has claimed.
template <class Geometry> detail::slab* basic_request_pool<Geometry>::steal(std::size_t order) noexcept {
  for (magazine& m : magazines_) {
    if (!m.may_have(order) || !m.try_claim()) continue;
    detail::slab* const s = m.pop(order);
    m.unclaim();
    if (s != nullptr) return s;
  }
  return nullptr;
}

/// Effects: puts a few slabs more into the thread's own magazine: a thread that only begins requests, which others end,
/// comes here once for several.
template <class Geometry> void basic_request_pool<Geometry>::refill(std::size_t order) noexcept {
  if (orders::bytes(order) > magazine::capacity / 16) return;
  magazine& m = magazines_[detail::home_magazine::number() % magazine_count];
  if (!m.try_claim()) return;
  for (int i = 0; i < 7; ++i) {
    detail::slab* const s = shelves_.pop(order);
    if (s == nullptr) break;
    if (!m.push(s)) {
      shelves_.push(s);
      break;
    }
    note_lent(s->bytes);
  }
  m.unclaim();
}

/// Pages, whose map entries the caller writes. Free slabs and runs are turned back into pages before another chunk is
/// taken.
template <class Geometry>
void* basic_request_pool<Geometry>::take_pages(std::size_t pages, std::size_t alignment,
                                               detail::admission& asked) noexcept {
  asked.whose = limit_holder::pool;
  if (source_.cached_chunks() == 0 && !pages_.has_gap(pages + alignment - 1)) drop_free();
  void* const run = pages_.take_pages(pages, alignment, asked);
  if (run != nullptr) note_lent(pages * Geometry::page_bytes);
  return run;
}

template <class Geometry>
ZMM_NOINLINE void* basic_request_pool<Geometry>::take_run_locked(std::size_t pages, std::size_t alignment, bool& joined,
                                                                 detail::admission& asked) noexcept {
  locked const guard(*this);
  void* run = take_apart(pages, alignment, asked);
  if (run == nullptr) run = take_pages(pages, alignment, asked);
  if (run == nullptr) run = take_rest(pages, alignment, asked);
  if (run != nullptr) join(joined);
  return run;
}

/// A run that packs badly, as a huge block, which its address shows it to be. Null: the run is to come out of a chunk.
template <class Geometry>
void* basic_request_pool<Geometry>::take_apart(std::size_t pages, std::size_t alignment,
                                               detail::admission& asked) noexcept {
  asked.whose = limit_holder::pool;
  if (!pages_.maps_apart(pages, alignment, asked)) return nullptr;
  drop_free();
  if (pages_.has_gap(pages + alignment - 1)) return nullptr;
  void* const block = source_.take_huge(pages * Geometry::page_bytes, alignment * Geometry::page_bytes, 0, asked);
  if (block != nullptr) note_lent(source_.find_huge(block).bytes);
  return block;
}

/// The same where a limit refuses another chunk.
template <class Geometry>
void* basic_request_pool<Geometry>::take_rest(std::size_t pages, std::size_t alignment,
                                              detail::admission& asked) noexcept {
  void* const block = pages_.take_rest(pages, alignment, asked);
  if (block != nullptr) note_lent(source_.find_huge(block).bytes);
  return block;
}

template <class Geometry>
ZMM_NOINLINE void basic_request_pool<Geometry>::give_run_locked(detail::paged_block run) noexcept {
  locked const guard(*this);
  give_pages(run.start(), run.pages());
}

template <class Geometry>
detail::extent basic_request_pool<Geometry>::take_huge(std::size_t bytes, std::size_t alignment, bool& joined,
                                                       detail::admission& asked) noexcept {
  locked const guard(*this);
  asked.whose = limit_holder::pool;
  void* block = source_.take_huge(bytes, alignment, 0, asked);
  if (block == nullptr && asked.why != detail::refusal::address && drop_warm() != 0) {
    block = source_.take_huge(bytes, alignment, 0, asked);
  }
  if (block == nullptr) return {};
  join(joined);
  detail::extent const taken = source_.find_huge(block);
  note_lent(taken.bytes);
  return taken;
}

template <class Geometry> ZMM_NOINLINE void basic_request_pool<Geometry>::give_huge(void* block) noexcept {
  locked const guard(*this);
  lent_ -= source_.give_huge(block);
}

template <class Geometry>
bool basic_request_pool<Geometry>::extend_run(void* run, std::size_t pages, std::size_t more) noexcept {
  locked const guard(*this);
  if (!pages_.extend_pages(run, pages, more)) return false;
  note_lent(more * Geometry::page_bytes);
  return true;
}

template <class Geometry>
std::size_t basic_request_pool<Geometry>::free_behind(void const* run, std::size_t pages) noexcept {
  locked const guard(*this);
  // Runs that were kept warm may lie right there.
  magazine& m = magazines_[detail::home_magazine::number() % magazine_count];
  if (claim_guard own; m.may_have_runs() && own.try_claim(m)) {
    std::size_t all = magazine::capacity;
    m.drain_runs(all, [&](detail::paged_block free) { give_pages(free.start(), free.pages()); });
  }
  return pages_.free_behind(run, pages);
}

template <class Geometry>
bool basic_request_pool<Geometry>::resize_huge(void* block, std::size_t bytes, detail::admission& asked) noexcept {
  locked const guard(*this);
  std::size_t const before = source_.find_huge(block).bytes;
  std::size_t const after = source_.resize_huge(block, bytes, asked);
  if (after == 0) return false;
  note_lent(after - before);
  return true;
}

template <class Geometry>
ZMM_NOINLINE detail::extent basic_request_pool<Geometry>::find_huge(void const* block) const noexcept {
  locked const guard(*this);
  return source_.find_huge(block);
}

template <class Geometry>
ZMM_NOINLINE void basic_request_pool<Geometry>::retag_huge(void* block, std::size_t tag) noexcept {
  locked const guard(*this);
  source_.retag_huge(block, tag);
}

template <class Geometry> ZMM_NOINLINE void basic_request_pool<Geometry>::shelve_all(detail::slab* list) noexcept {
  locked const guard(*this);
  shelve(list);
}

/// The rest of end(), for a claimed magazine that was too full, or whose log is full.
template <class Geometry>
ZMM_NOINLINE void basic_request_pool<Geometry>::end_noting(magazine& claimed, detail::slab* rest) noexcept {
  // Relaxed: any recent number will do.
  detail::request_log const log = claimed.take_log(log_places_.load(detail::memory_order_relaxed));
  claimed.unclaim();  // before the lock: its holder may be waiting for a claim
  locked const guard(*this);
  shelve(rest);
  for (detail::ended_request const& ended : log) learn(ended);
  if (ended_in_window_ >= window) end_window();
}

/// As end(), where every magazine is claimed.
template <class Geometry>
ZMM_COLD void basic_request_pool<Geometry>::end_unwarmed(detail::slab* slabs, detail::ended_request ended) noexcept {
  locked const guard(*this);
  shelve(slabs);
  --in_flight_;
  learn(ended);
  if (ended_in_window_ >= window) end_window();
}

/// Learns from the window's requests: first slabs are made large enough for what 60 % of them needed in slabs; what lay
/// in magazines untouched goes back, and so does warm memory beyond the running average of the peaks and one chunk.
template <class Geometry> ZMM_COLD void basic_request_pool<Geometry>::end_window() noexcept {
  ended_in_window_ = 0;
  // Relaxed: it is a number, and any recent one will do.
  first_order_.store(static_cast<std::uint8_t>(demand_.learn(60)), detail::memory_order_relaxed);

  std::size_t in_use = 1;  // one more than have something: a thread inside a request has taken its slab out
  for (magazine& m : magazines_) {
    claim_guard own;
    if (!m.may_have_any() || !own.try_claim(m)) continue;  // an empty one has nothing idle; a claim would take its line away
    ++in_use;
    if (m.idle() != 0) drain(m, m.idle());
    m.end_window();
  }
  // Threads seldom meet at the lock if logs are long. All together hold back about half a window, or more if many are inside
  // requests just now: then ends come the faster.
  std::size_t const places = window / 2 / in_use, least = detail::request_log::fewest;
  log_places_.store(static_cast<std::uint8_t>(places > least ? places : least), detail::memory_order_relaxed);
  average_lent_ = (average_lent_ + peak_lent_) / 2;
  peak_lent_ = lent_;
  if (lent_ + shelves_.bytes() > average_lent_ + Geometry::chunk_bytes) drop_shelves();
  source_.end_request();
}

/// Effects: turns at most `at_most` bytes of what a claimed magazine has into free pages.
template <class Geometry> void basic_request_pool<Geometry>::drain(magazine& from, std::size_t at_most) noexcept {
  from.drain(
      at_most, [&](detail::slab* s) { give_pages(s, s->bytes / Geometry::page_bytes); },
      [&](detail::paged_block run) { give_pages(run.start(), run.pages()); });
}

/// Effects: turns slabs on shelves into free pages.
template <class Geometry> ZMM_NOINLINE void basic_request_pool<Geometry>::drop_shelves() noexcept {
  for (std::size_t order = 0; order < orders::count; ++order) {
    while (detail::slab* const s = shelves_.pop(order)) pages_.give_pages(s, std::size_t{1} << order);
  }
}

/// Effects: turns all free slabs and runs into free pages.
template <class Geometry> ZMM_NOINLINE void basic_request_pool<Geometry>::drop_free() noexcept {
  for (magazine& m : magazines_) {
    claim_guard own;
    own.claim(m, are_claims_held_);
    drain(m, magazine::capacity);
  }
  shelve(detained_.pop_beyond(0, this));
  drop_shelves();
}

template <class Geometry> ZMM_COLD void basic_request_pool<Geometry>::detain(detail::slab* list) noexcept {
  locked const guard(*this);
  while (list != nullptr) {
    detail::slab* const next = list->next;
    detained_.push(list);
    list = next;
  }
  shelve(detained_.pop_beyond(detail::slab_detention::most_bytes, this));
}

/// Effects: free slabs, free runs and empty chunks go back to storage. Returns: bytes.
template <class Geometry> ZMM_COLD std::size_t basic_request_pool<Geometry>::drop_warm() noexcept {
  std::size_t const before = source_.book().real_size();
  drop_free();
  source_.drop_cached();
  return before - source_.book().real_size();
}

}}  // namespace zmm
