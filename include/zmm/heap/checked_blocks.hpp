// How an engine over runs checks blocks.
#pragma once

#include <zmm/chunk/checked_geometry.hpp>
#include <zmm/hardening/block_tags.hpp>
#include <zmm/hardening/known_chunks.hpp>
#include <zmm/hardening/slot_starts.hpp>
#include <zmm/heap/heap_core.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Says whether a block may start at an address, from the heap's own books: the index says whether there is a chunk, and
/// the chunk's map what lies at that page. Reads nothing before its place is known to be the heap's.
template <class Options> class checked_blocks<Options, true> {
  using geometry = page_geometry<Options>;
  using chunk_type = chunk<geometry>;

public:
  void rekey_blocks(block_keys const& with, void const* heap) noexcept {
    heap_ = heap;
    tags_.rekey(with, heap);
  }
  block_tags<Options, word_place::end> const& tags() const noexcept { return tags_; }

  /// Whether the word in front of `end` is known to be the heap's: in the chunk of `block`, which was found before. The end comes
  /// from a caller's size, which may wrap.
  template <class Source>
  ZMM_INLINE bool is_readable(Source const& from, void const* block, std::uintptr_t end) const noexcept {
    return known_.has(chunk_type::of(block), from.drops()) &&
           end - 8 - address_of(chunk_type::of(block)) <= std::size_t{geometry::chunk_bytes} - 8;
  }
  /// Effects: no chunk is known, as of this count of those that went back.
  void settle(std::uint64_t drops) noexcept { known_ = known_chunks<chunk_type>(drops); }
  /// Whether no chunk or run has gone back since a chunk was last looked up, or that was settled.
  template <class Source> ZMM_INLINE bool is_up_to_date(Source const& from) const noexcept {
    return known_.is_of(from.drops());
  }
  /// The count of what went back, as of which something is known here.
  std::uint64_t known_at() const noexcept { return known_.count(); }
  /// The map entry of the page at `block`, where a slot or a run of pages starts; stops if none does. Requires: `block`
  /// is not at a multiple of the chunk size; there huge blocks start.
  template <class Source> ZMM_INLINE page_entry entry_at(Source const& from, void const* block) noexcept {
    chunk_type* const c = chunk_type::of(block);
    if (ZMM_UNLIKELY(!known_.has(c, from.drops()))) {
      std::uint64_t const drops = from.drops();
      check_chunk(from, block);
      known_.add(c, drops);
    }
    return entry_in(c, block);
  }
  /// The same for threads that must not write here.
  template <class Source> page_entry entry_seen(Source const& from, void const* block) const noexcept {
    check_chunk(from, block);
    return entry_in(chunk_type::of(block), block);
  }

  [[noreturn]] ZMM_COLD void stop_at(char const* rule, void const* block) const noexcept { stop({rule, block, heap_}); }
  /// For a block in a run of slots.
  [[noreturn]] ZMM_COLD void stop_in_run(char const* rule, void const* block) const noexcept {
    chunk_type* const c = chunk_type::of(block);
    std::size_t const page = chunk_type::page_of(block);
    page_entry const entry = c->map[page];
    stop({rule, block, heap_, slot_bytes(entry.bin()), c->page(page - entry.distance())});
  }

private:
  template <class Source> ZMM_COLD void check_chunk(Source const& from, void const* block) const noexcept {
    if (!from.has_chunk(chunk_type::of(block))) stop_at("a freed block lies in memory of this heap", block);
  }
  ZMM_INLINE page_entry entry_in(chunk_type* c, void const* block) const noexcept {
    page_entry const entry = c->map[chunk_type::page_of(block)];
    if (ZMM_LIKELY(entry.kind() == page_kind::small)) {
      std::size_t const offset =
          entry.distance() * geometry::page_bytes + (address_of(block) & (geometry::page_bytes - 1));
      if (ZMM_UNLIKELY(!slot_starts_for<geometry::page_bytes>.has(entry, offset)))
        stop_in_run("a freed block starts where a slot does", block);
    } else if (entry.kind() != page_kind::large || !is_aligned(block, geometry::page_bytes)) {
      stop_at("a freed block is live, and starts where it was allocated", block);
    }
    return entry;
  }

  known_chunks<chunk_type> known_;
  block_tags<Options, word_place::end> tags_;
  void const* heap_ = nullptr;
};

}}}  // namespace zmm::detail
