// The request pool as a whole: figures, verification, fork.
#pragma once

#include <zmm/request/request_pool.hpp>

namespace zmm { inline namespace ZMM_ABI {

template <class Geometry> pool_statistics basic_request_pool<Geometry>::stats() const noexcept {
  whole const guard(*this);
  pool_statistics s;
  s.in_flight = in_flight();
  s.slabs_free = shelves_.count();
  s.real_size = source_.book().real_size();
  s.real_peak = source_.book().real_peak();
  s.used = lent_ - detained_.bytes();
  s.chunks = source_.chunks();
  s.cached_chunks = source_.cached_chunks();
  s.ended = ended_;
  detail::request_sizes sizes = sizes_;
  for (magazine const& m : magazines_) {
    s.slabs_free += m.slabs();
    s.used -= m.held();
    s.ended += m.log().count();
    for (detail::ended_request const& ended : m.log()) sizes.add_bucket(ended.size);
  }
  s.p50 = sizes.percentile(50) * Geometry::page_bytes;
  s.p90 = sizes.percentile(90) * Geometry::page_bytes;
  s.p99 = sizes.percentile(99) * Geometry::page_bytes;
  return s;
}

/// Invariants:
///     lent + slabs on shelves == pages taken from chunks + huge blocks
///     every free slab is marked in the page map; every free slab and run lies in a chunk of the pool
template <class Geometry> void basic_request_pool<Geometry>::verify() const noexcept {
  whole const guard(*this);
  source_.verify(this);
  pages_.verify(this);
  detail::check(pages_.chunks() == source_.chunks(), "every chunk in use is in a span list", nullptr, this);
  std::size_t taken = 0, shelved = 0, count = 0, held = 0;
  pages_.for_each_chunk(
      [&](chunk_type* c) { taken += (detail::usable_pages<Geometry> - c->free_pages) * Geometry::page_bytes; });
  auto const check_slab = [&](detail::slab& s) {
    detail::check(source_.find(&s).is_chunk(), "a free slab lies in the pool", &s, this);
    detail::check(chunk_type::of(&s)->map[chunk_type::page_of(&s)] ==
                      detail::page_entry::slab(s.bytes / Geometry::page_bytes),
                  "a free slab is marked in the page map", &s, this);
  };
  shelves_.for_each([&](detail::slab& s) {
    check_slab(s);
    ++count;
    shelved += s.bytes;
  });
  detained_.for_each(check_slab);
  detained_.verify(this);
  for (magazine const& m : magazines_) {
    m.verify(this);
    m.for_each(check_slab, [&](detail::paged_block run) {
      detail::check(source_.find(run.start()).is_chunk(), "a free run lies in the pool", run.start(), this);
    });
    held += m.held();
  }
  detail::check(count == shelves_.count() && shelved == shelves_.bytes(), "free slabs are counted", nullptr, this);
  detail::check(lent_ + shelved == taken + source_.huge_bytes(), "what is taken is lent or on a shelf", nullptr, this);
  detail::check(held + detained_.bytes() <= lent_, "what magazines hold is lent", nullptr, this);
}

/// While the process forks, the lock and every claim are held: so the child finds no magazine half changed, and none
/// claimed by a thread that is not in the child.
template <class Geometry> void basic_request_pool<Geometry>::hold_for_fork(void* pool) noexcept {
  auto& self = *static_cast<basic_request_pool*>(pool);
  for (magazine& m : self.magazines_) m.claim();
  self.are_claims_held_ = true;
}
template <class Geometry> void basic_request_pool<Geometry>::fork_is_over(void* pool) noexcept {
  auto& self = *static_cast<basic_request_pool*>(pool);
  self.are_claims_held_ = false;
  for (magazine& m : self.magazines_) m.unclaim();
}

}}  // namespace zmm
