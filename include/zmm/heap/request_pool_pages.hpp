// What a request pool does under its lock.
#pragma once

#include <zmm/heap/request_pool.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// A slab of `order`: a warm one, or fresh pages. Slabs on other shelves are turned back into pages before another
/// chunk is taken.
template <class Geometry>
detail::slab* basic_request_pool<Geometry>::take_slab(std::size_t order, bool& joined,
                                                      detail::admission& asked) noexcept {
  detail::spin_guard const guard(lock_);
  detail::slab* s = shelves_.pop(order);
  if (ZMM_UNLIKELY(s == nullptr)) {
    std::size_t const pages = std::size_t{1} << order;
    if (shelves_.count() != 0 && !pages_.has_room(pages)) drop_shelves();
    void* const run = pages_.take_pages(pages, 1, asked);
    if (run == nullptr) return nullptr;
    chunk_type::of(run)->map[chunk_type::page_of(run)] = detail::page_entry::slab(pages);
    s = ::new (run) detail::slab{nullptr, orders::bytes(order)};
  }
  join(joined);
  note_use(s->bytes);
  return s;
}

template <class Geometry>
void* basic_request_pool<Geometry>::take_run(std::size_t pages, std::size_t alignment, std::size_t tag, bool& joined,
                                             detail::admission& asked) noexcept {
  detail::spin_guard const guard(lock_);
  if (shelves_.count() != 0 && !pages_.has_room(pages + alignment - 1)) drop_shelves();
  void* const run = pages_.take_pages(pages, alignment, asked);
  if (run == nullptr) return nullptr;
  chunk_type::of(run)->map[chunk_type::page_of(run)] = detail::page_entry::large(tag);
  join(joined);
  note_use(pages * Geometry::page_bytes);
  return run;
}

template <class Geometry>
void* basic_request_pool<Geometry>::take_huge(std::size_t bytes, std::size_t alignment, std::size_t tag, bool& joined,
                                              detail::admission& asked) noexcept {
  detail::spin_guard const guard(lock_);
  void* block = source_.take_huge(bytes, alignment, tag, asked);
  if (block == nullptr && asked.why != detail::refusal::address && drop_warm() != 0) {
    block = source_.take_huge(bytes, alignment, tag, asked);
  }
  if (block == nullptr) return nullptr;
  join(joined);
  note_use(source_.find_huge(block).bytes);
  return block;
}

template <class Geometry> void basic_request_pool<Geometry>::shelve(detail::slab* list) noexcept {
  while (list != nullptr) {
    detail::slab* const next = list->next;
    used_ -= list->bytes;
    shelves_.push(list);
    list = next;
  }
}

template <class Geometry> void basic_request_pool<Geometry>::give_slabs(detail::slab* list) noexcept {
  detail::spin_guard const guard(lock_);
  shelve(list);
}

template <class Geometry> void basic_request_pool<Geometry>::give_run(void* run, std::size_t pages) noexcept {
  detail::spin_guard const guard(lock_);
  used_ -= pages * Geometry::page_bytes;
  pages_.give_pages(run, pages);
}

template <class Geometry> void basic_request_pool<Geometry>::give_huge(void* block) noexcept {
  detail::spin_guard const guard(lock_);
  used_ -= source_.give_huge(block);
}

template <class Geometry>
bool basic_request_pool<Geometry>::extend_run(void* run, std::size_t pages, std::size_t more) noexcept {
  detail::spin_guard const guard(lock_);
  if (!pages_.extend_pages(run, pages, more)) return false;
  note_use(more * Geometry::page_bytes);
  return true;
}

template <class Geometry>
std::size_t basic_request_pool<Geometry>::free_behind(void const* run, std::size_t pages) const noexcept {
  detail::spin_guard const guard(lock_);
  return pages_.free_behind(run, pages);
}

template <class Geometry>
bool basic_request_pool<Geometry>::resize_huge(void* block, std::size_t bytes, detail::admission& asked) noexcept {
  detail::spin_guard const guard(lock_);
  std::size_t const before = source_.find_huge(block).bytes;
  std::size_t const after = source_.resize_huge(block, bytes, asked);
  if (after == 0) return false;
  note_use(after - before);
  return true;
}

template <class Geometry> detail::extent basic_request_pool<Geometry>::find_huge(void const* block) const noexcept {
  detail::spin_guard const guard(lock_);
  return source_.find_huge(block);
}

template <class Geometry> void basic_request_pool<Geometry>::retag_huge(void* block, std::size_t tag) noexcept {
  detail::spin_guard const guard(lock_);
  source_.retag_huge(block, tag);
}

template <class Geometry>
void basic_request_pool<Geometry>::end(detail::slab* slabs, std::size_t used_bytes, std::size_t real_peak,
                                       bool& joined) noexcept {
  detail::spin_guard const guard(lock_);
  shelve(slabs);
  if (!joined) return;
  joined = false;
  --in_flight_;
  ++ended_;
  sizes_.add(detail::divide_up(real_peak, Geometry::page_bytes));
  demand_.add(used_bytes);
  if (ZMM_UNLIKELY(++ended_in_window_ == window)) end_window();
}

/// Learns from the window's requests: the first slab holds what 60 % of them needed in slabs; warm memory beyond the
/// running average of the peaks, and a chunk of slack, goes back.
template <class Geometry> ZMM_COLD void basic_request_pool<Geometry>::end_window() noexcept {
  ended_in_window_ = 0;
  first_order_.store(static_cast<std::uint8_t>(demand_.learn(60)), std::memory_order_relaxed);

  average_used_ = (average_used_ + peak_used_) / 2;
  peak_used_ = used_;
  if (used_ + shelves_.bytes() > average_used_ + Geometry::chunk_bytes) drop_shelves();
  source_.end_request();
}

/// Effects: free slabs are pages again.
template <class Geometry> ZMM_NOINLINE void basic_request_pool<Geometry>::drop_shelves() noexcept {
  for (std::size_t order = 0; order < orders::count; ++order) {
    while (detail::slab* const s = shelves_.pop(order)) pages_.give_pages(s, std::size_t{1} << order);
  }
}

/// Effects: free slabs and empty chunks go back to storage. Returns: bytes.
template <class Geometry> ZMM_COLD std::size_t basic_request_pool<Geometry>::drop_warm() noexcept {
  std::size_t const before = source_.book().real_size();
  drop_shelves();
  source_.drop_cached();
  return before - source_.book().real_size();
}

template <class Geometry> pool_statistics basic_request_pool<Geometry>::stats() const noexcept {
  detail::spin_guard const guard(lock_);
  pool_statistics s;
  s.in_flight = in_flight_;
  s.slabs_free = shelves_.count();
  s.real_size = source_.book().real_size();
  s.real_peak = source_.book().real_peak();
  s.used = used_;
  s.chunks = source_.chunks();
  s.cached_chunks = source_.cached_chunks();
  s.ended = ended_;
  s.p50 = sizes_.percentile(50) * Geometry::page_bytes;
  s.p90 = sizes_.percentile(90) * Geometry::page_bytes;
  s.p99 = sizes_.percentile(99) * Geometry::page_bytes;
  return s;
}

template <class Geometry> void basic_request_pool<Geometry>::verify() const noexcept {
  detail::spin_guard const guard(lock_);
  source_.verify(this);
  pages_.verify(this);
  detail::check(pages_.chunks() == source_.chunks(), "every chunk in use is in a span list", nullptr, this);
  std::size_t taken = 0, shelved = 0, count = 0;
  pages_.for_each_chunk(
      [&](chunk_type* c) { taken += (detail::usable_pages<Geometry> - c->free_pages) * Geometry::page_bytes; });
  shelves_.for_each([&](detail::slab& s) {
    ++count;
    shelved += s.bytes;
    detail::check(source_.find(&s).is_chunk(), "a free slab lies in the pool", &s, this);
    detail::check(chunk_type::of(&s)->map[chunk_type::page_of(&s)] ==
                      detail::page_entry::slab(s.bytes / Geometry::page_bytes),
                  "a free slab is marked in the page map", &s, this);
  });
  detail::check(count == shelves_.count() && shelved == shelves_.bytes(), "free slabs are counted", nullptr, this);
  detail::check(used_ + shelved == taken + source_.huge_bytes(), "what is taken is lent or on a shelf", nullptr, this);
}

}}  // namespace zmm
