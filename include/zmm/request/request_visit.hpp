// Visits of a request and of a pool.
#pragma once
#include <zmm/blocks/chunk_walk.hpp>
#include <zmm/watch/engine_visit.hpp>
#include <zmm/request/request_heap.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Options> struct request_heap_own<Options>::area_item {
  area_kind kind;
  void const* start;
  std::size_t bytes;
  std::uint64_t key() const noexcept { return address_of(start); }
};

/// Slabs and paged blocks, in the order of their addresses. Packed blocks are counted by bin, not by slab: so the open
/// slab is reported with the figures of all of them.
template <class Options>
template <class Tell>
bool request_heap_own<Options>::tell_all(Tell& tell, bool tells_blocks) const {
  std::size_t const all = table_.size() + 64, most = 4096;
  lowest_items<area_item> part(all < most ? all : most);
  auto const look = [&] {
    for (slab const* s = slabs_; s != nullptr; s = s->next) part.offer({area_kind::slab, s, s->bytes});
    if (buffer_ != nullptr) part.offer({area_kind::slab, buffer_, buffer_bytes_});
    for_each_paged([&](area_item const& paged) { part.offer(paged); });
  };
  return part.walk(look, [&](area_item const& copy) {
    std::size_t const behind = copy.kind == area_kind::large ? page_canary_bytes<Options> : 0;
    if (copy.kind != area_kind::slab) return tell_whole(tell, copy.start, copy.bytes, copy.kind, tells_blocks, false, behind);
    area_info area;
    area.kind = copy.kind;
    area.address = copy.start;
    area.bytes = copy.bytes;
    void const* const open = slabs_ != nullptr ? static_cast<void const*>(slabs_) : buffer_;
    if (copy.start == open) count_packed(area);
    return tell(area);
  });
}
template <class Options>
template <class Area>
void request_heap_own<Options>::count_packed(Area& area) const noexcept {
  count_live(area.live_bytes, area.live);
  for_each_paged([&](area_item const& paged) {
    area.live_bytes -= paged.bytes;
    --area.live;
  });
}
/// What callers hold: the table's own memory is not theirs.
template <class Options>
template <class Visit>
void request_heap_own<Options>::for_each_paged(Visit visit) const {
  for (std::size_t i = 0; i < table_.size(); ++i) {
    paged_block const block = table_[i];
    if (block.start() != table_.memory())
      visit(area_item{block.is_huge() ? area_kind::huge : area_kind::large, block.start(), bytes_of(block)});
  }
}

/// Calls visit(book, address) for the request and each ancestor, from the inside out, until it returns false.
template <class Options>
template <class Visit>
bool request_heap_own<Options>::for_each_book(Visit visit) const {
  for (request_heap_own const* h = this; h != nullptr; h = h->parent_) {
    if (!visit(h->book_, static_cast<void const*>(h))) return false;
  }
  return true;
}
template <class Options> void request_heap_own<Options>::set_label_of([[maybe_unused]] char const* label) noexcept {
  if constexpr (Options::list_requests) this->set_label(*pool_, label);
}

template <class Options>
struct inspection<basic_request_heap<Options>> : inspection<engine_over<request_heap_own<Options>>> {
  using heap_type = basic_request_heap<Options>;
  static constexpr char const* name = "request_heap";

  template <class Visit> static bool for_each_book(heap_type const& heap, Visit visit) {
    return inspection::core_of(heap).for_each_book(visit);
  }
  static void set_label(heap_type& heap, char const* label) noexcept { inspection::core_of(heap).set_label_of(label); }
};

template <class Geometry> struct inspection<basic_request_pool<Geometry>> {
  using pool_type = basic_request_pool<Geometry>;
  static constexpr char const* name = "request_pool";

  /// Under the pool's lock and every magazine's claim the page maps are copied, 64 chunks at a time.
  template <class Visit> static bool visit(pool_type const& pool, Visit& visitor) {
    teller<Visit> tell(visitor);
    static_assert(teller<Visit>::of_areas, "zmm: a pool tells of areas; what lies in them its requests know");
    walk_facts facts;
    facts.tells_blocks = false;
    std::size_t const chunks = pool.stats().chunks;
    auto const look = [&](auto& part) {
      typename pool_type::whole const guard(pool);
      part.select([&](auto visit) { pool.pages_.for_each_chunk(visit); });
      auto const mark_slab = [&](slab& s) { part.mark(&s); };
      pool.shelves_.for_each(mark_slab);
      pool.detained_.for_each(mark_slab);
      for (auto const& m : pool.magazines_) m.for_each(mark_slab, [&](paged_block run) { part.mark(run.start()); });
    };
    return chunk_walk<Geometry>(chunks).run(tell, facts, look) && walk_huge(tell, facts, [&](auto work) {
             typename pool_type::locked const guard(pool);
             work(pool.source_);
           });
  }
};

}}}  // namespace zmm::detail
