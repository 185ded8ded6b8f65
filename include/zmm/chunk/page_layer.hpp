// The page layer: pages from the chunks of one owner. What every engine stands on.
//
//     take_pages ─ span_lists::find ─ best_fit
//        └─ find_or_add ─ chunk_source::take_chunk
//     give_pages
//        └─ retire ─ chunk_source::give_chunk
#pragma once

#include <zmm/chunk/best_fit.hpp>
#include <zmm/chunk/chunk_source.hpp>
#include <zmm/chunk/span_lists.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Takes chunks from a source, which it may share with others (shared_chunks), for one owner.
///
/// Invariants:
///     every chunk in the span lists is in use by `owner`; it is in the list of its longest gap
///     a chunk whose pages are all free, but for the header's, is not in use, except the one that release() keeps, and
///     between give_pages(keep_empty) and retire_empty()
/// One thread at a time. Operations that fail return null or false, change nothing and say why in the admission.
template <class Geometry, class Source = chunk_source<Geometry>> class page_layer : reuse_note<counts_drops<Geometry>> {
public:
  using geometry = Geometry;
  using chunk_type = chunk<Geometry>;

  constexpr explicit page_layer(Source* from) noexcept : source_(from), owner_(this) {}
  constexpr page_layer(Source* from, void* owner) noexcept : source_(from), owner_(owner) {}
  page_layer(page_layer const&) = delete;
  page_layer& operator=(page_layer const&) = delete;

  Source& source() const noexcept { return *source_; }
  void const* owner() const noexcept { return owner_; }
  std::size_t chunks() const noexcept { return chunks_; }

  /// Whether a request of `pages` pages at `alignment` pages is served from chunks.
  static constexpr bool fits_chunk(std::size_t pages, std::size_t alignment) noexcept {
    return pages <= usable_pages<Geometry> && alignment <= usable_pages<Geometry> &&
           pages + alignment - 1 <= usable_pages<Geometry>;
  }

  /// Returns: `count` pages, the first at a multiple of `alignment` pages. The caller writes their map entries.
  /// With `spreads`, which is for runs of small slots, the first run of an empty chunk lies at the chunk's colour.
  /// Requires: fits_chunk(count, alignment). Complexity: constant in the number of chunks.
  void* take_pages(std::size_t count, std::size_t alignment, admission& asked, bool spreads = false) noexcept {
    std::size_t const needed = count + alignment - 1;
    if (ZMM_UNLIKELY(asked.growth == growth::known)) return take_growing(count, alignment, asked);
    chunk_type* c = lists_.find(needed);
    if (c == nullptr && alignment != 1 && (c = lists_.find(count)) != nullptr &&
        best_fit(c->taken, count, alignment, c->longest).first == fit::none) c = nullptr;  // it may lie aligned already
    if (c == nullptr && (c = find_or_add(needed, asked)) == nullptr) return nullptr;
    fit found = alignment == 1 && c->longest == c->free_pages  // all in one piece: no search
                    ? fit{c->taken.next_clear(0), c->longest - count}
                    : best_fit(c->taken, count, alignment, c->longest);
    if (spreads && found.first == header_pages<Geometry> && alignment == 1) found = spread(*c, count, found.longest);
    if (ZMM_UNLIKELY(c->grown.test(found.first - 1)) && asked.growth == growth::none)
      return take_behind_grown(c, found.first, count, alignment, growth::none);
    occupy(c, found.first, count);
    check_links(c);
    lists_.relist(c, found.longest);
    return c->page(found.first);
  }

  /// The same for a block that replaces one that has outgrown its place: with free pages behind it if there are any.
  void* take_growing(std::size_t count, std::size_t alignment, admission& asked) noexcept;

  /// Effects: pages are free again, their map entries cleared; a chunk that has no others in use is cached or given
  /// back, or, with keep_empty, left for retire_empty().
  void give_pages(void* first, std::size_t count, bool keep_empty = false) noexcept {
    chunk_type* const c = chunk_type::of(first);
    std::size_t const at = chunk_type::page_of(first);
    for (std::size_t i = 0; i < count; ++i) c->map[at + i] = page_entry{};
    c->taken.clear(at, count);
    c->grown.clear(at + count - 1, 1);
    c->free_pages += static_cast<std::uint32_t>(count);
    if (c->free_pages == usable_pages<Geometry> && !keep_empty) return static_cast<void>(retire(c));
    std::size_t const merged = c->taken.next_set(at + count) - c->taken.clear_run_start(at);
    check_links(c);
    if (merged > c->longest) lists_.relist(c, merged);
  }

  /// Effects: takes `more` pages right behind the run of `count` pages at `first`, and marks the run as one that grows.
  /// Returns: whether they were free.
  bool extend_pages(void* first, std::size_t count, std::size_t more) noexcept;

  /// Whether some of the pages that were taken last were handed out before, so that they no longer hold what storage
  /// gave. Only with checked geometries.
  bool took_reused() const noexcept { return this->reused; }
  /// Whether a chunk in use has a gap of so many pages, as far as a quick search tells.
  bool has_gap(std::size_t count) const noexcept { return lists_.find(count) != nullptr; }
  /// Whether a run of `count` pages at `alignment` pages is to be a huge block, rather than the first run of another
  /// chunk.
  bool maps_apart(std::size_t count, std::size_t alignment, admission const& asked) const noexcept {
    return ZMM_UNLIKELY(Source::packs_badly(count)) && asked.growth != growth::known && source_->may_map_apart(count) &&
           !has_gap(count + alignment - 1);
  }
  /// A huge block in place of a run for which the limit refused another chunk: the block itself may still fit under the
  /// limit. Null: it does not.
  void* take_rest(std::size_t count, std::size_t alignment, admission& asked) const noexcept {
    std::size_t const bytes = count * Geometry::page_bytes, least = 64 * 1024;
    if (asked.why != refusal::limit || bytes < least || !source_->may_map_apart(count)) return nullptr;
    return source_->take_huge(bytes, alignment * Geometry::page_bytes, 0, asked);
  }

  /// Free pages right behind the run.
  std::size_t free_behind(void const* first, std::size_t count) const noexcept {
    std::size_t const end = chunk_type::page_of(first) + count;
    return chunk_type::of(first)->taken.next_set(end) - end;
  }

  /// Effects: caches or gives back the chunks that were left empty. Returns: bytes of chunks given back.
  std::size_t retire_empty() noexcept;
  /// Effects: gives the memory behind free pages back. Returns: bytes.
  std::size_t purge() noexcept;
  /// Effects: all pages are free. The oldest chunk stays in use; the others are put aside.
  void release() noexcept;
  /// Effects: forgets its chunks, which the source has taken away.
  void forget() noexcept {
    lists_ = {};
    chunks_ = 0;
  }

  template <class Visit> void for_each_chunk(Visit visit) const { lists_.for_each(visit); }
  void verify(void const* heap) const noexcept;

private:
  chunk_type* find_or_add(std::size_t needed, admission& asked) noexcept;
  void* take_behind_grown(chunk_type* c, std::size_t first, std::size_t count, std::size_t alignment,
                          growth expected) noexcept;
  /// If the first runs of all heaps lay at the same place of their chunks, hundreds of heaps would share a few sets of each
  /// cache and of the TLB. So the first run lies up to seven pages on, and the pages in front of it are taken from their end.
  /// The golden ratio spreads the numbers of any sequence of chunks; the process's first has 0.
  static fit spread(chunk_type const& c, std::size_t count, std::size_t longest) noexcept {
    constexpr std::size_t front = header_pages<Geometry>, colours = Geometry::pages < 512 ? Geometry::pages / 64 : 8;
    if (c.free_pages != usable_pages<Geometry>) return {c.taken.next_set(front) - count, longest};
    std::size_t const colour = (static_cast<std::uint32_t>(c.number) * 0x9E3779B9u >> 16) * colours >> 16;
    return {front + colour, longest - colour};
  }
  std::size_t retire(chunk_type* c) noexcept;
  std::size_t purge_free_pages(chunk_type* c) noexcept;

  /// Where links are checked: stops unless the chunks in front of and behind `c` are the source's, before anything is
  /// read there.
  void check_links([[maybe_unused]] chunk_type const* c) const noexcept {
    if constexpr (checks_chunks<Geometry>) {
      chunk_type const* const neighbours[] = {c->next, c->prev};
      for (chunk_type const* neighbour : neighbours)
        check(neighbour == nullptr || source_->has_chunk(neighbour), "the neighbours of a chunk are chunks", c, owner_);
    }
  }
  void occupy(chunk_type* c, std::size_t first, std::size_t count) noexcept {
    if constexpr (counts_drops<Geometry>) this->reused = c->dirty.next_set(first) < first + count;
    c->taken.set(first, count);
    c->dirty.set(first, count);
    c->free_pages -= static_cast<std::uint32_t>(count);
  }

  Source* source_;
  void* owner_;
  std::size_t chunks_ = 0;
  span_lists<Geometry> lists_;
};

}}}  // namespace zmm::detail

#include <zmm/chunk/page_layer_chunks.hpp>
#include <zmm/chunk/page_layer_verify.hpp>
