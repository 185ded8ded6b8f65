// The segment heap as a whole: collection, trimming, release, figures, verification.
#pragma once

#include <zmm/segment/segment_core.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Effects: what the cache holds is joined with its neighbours; segments that have no block go back. Returns: bytes
/// that were made free or given back to storage by that.
template <class Options> std::size_t segment_core<Options>::collect() noexcept {
  std::size_t const joined = join_cached();
  return joined + give_spare() + source_.drop_kept();
}
template <class Options> std::size_t segment_core<Options>::give_spare() noexcept {
  if (spare_ == nullptr) return 0;
  heap_block* const b = spare_;
  unfile(b, words_.load(b));
  return source_.drop(segment_of(b));
}

/// Effects: as collect(), and storage takes the memory behind large free blocks. Returns: bytes given back.
template <class Options> std::size_t segment_core<Options>::trim() noexcept {
  std::size_t const before = source_.book().real_size();
  collect();
  std::size_t bytes = before - source_.book().real_size();
  for (segment* s = source_.first(); s != nullptr; s = s->next)
    for_each_block(s, [&](heap_block* b, std::size_t word) {
      if ((word & block_flag::used) == 0 && !is_bucketed(size_in(word))) purge(b, size_in(word), bytes);
    });
  return bytes;
}
template <class Options>
void segment_core<Options>::purge(heap_block* b, std::size_t size, std::size_t& bytes) noexcept {
  std::size_t const page = os_page_size();
  std::uintptr_t const from = align_up(address_of(b) + sizeof(trie_block), page);
  std::uintptr_t const to = align_down(address_of(b) + size - word_bytes, page);
  auto* const large = static_cast<trie_block*>(b);
  if (from >= to) return;
  bool const is_rest = (words_.load(b) & block_flag::guard) != 0;
  if (!is_rest && large->is_purged != 0) return;
  if (!source_.purge(reinterpret_cast<void*>(from), to - from)) return;
  if (!is_rest) large->is_purged = 1;
  bytes += to - from;
}

/// Effects: drops every block, and every segment but the first one of usual size. The keep policy does not learn from
/// segments in use that go back.
template <class Options> void segment_core<Options>::drop(void const* heap) noexcept {
  cache_ = {};
  free_buckets_ = {};
  large_free_buckets_ = {};
  rest_buckets_ = {};
  free_bytes_ = this->live_ = 0;
  spare_ = reserve_ = nullptr;
  words_.rekey(heap);
  segment* kept = nullptr;
  for (segment* s = source_.first(); s != nullptr;) {
    segment* const next = s->next;
    if (kept == nullptr && s->bytes <= standard_bytes()) kept = s;
    else source_.drop(s);
    s = next;
  }
  source_.drop_kept();
  if (kept == nullptr) return;
  allow(kept, kept->bytes);
  if constexpr (Options::zero_on_free) zero_bytes(kept + 1, kept->bytes - sizeof(segment));
  heap_block* const b = format(kept);
  make_spare(b, size_of(b));
}

/// Complexity: linear in blocks: figures are counted when they are asked for, so that no allocation or free pays for
/// them.
template <class Options> void segment_core<Options>::count(statistics& s) const noexcept {
  std::size_t size = 0, blocks = 0;
  for (segment* at = source_.first(); at != nullptr; at = at->next) {
    for_each_block(at, [&](heap_block* b, std::size_t word) {
      if ((word & block_flag::used) == 0 || b == reserve_) return;
      size += size_in(word) - overhead;
      ++blocks;
    });
    if (at->bytes > standard_bytes()) ++s.huge_blocks;
  }
  cache_.for_each(words_, [&](heap_block* b, std::size_t) {
    size -= counted(b);
    --blocks;
  });
  this->count_peak(s);
  s.size = size;
  s.live_blocks = blocks;
  std::size_t const spares = spare_ != nullptr ? 1 : 0;
  s.cached_chunks = spares + source_.kept();
  s.chunks = source_.count() - s.huge_blocks - spares;
}

template <class Options> struct segment_core<Options>::tally {
  std::size_t free = 0, free_blocks = 0, used_blocks = 0, bytes = 0, segments = 0;
};

/// Invariants: those of segment_core, block by block.
template <class Options> void segment_core<Options>::verify(void const* heap) const noexcept {
  tally all;
  for (segment* s = source_.first(); s != nullptr; s = s->next) {
    bool before_used = true;
    std::size_t size = 0;
    heap_block* b = first_of(s);
    for (; b != guard_of(s); b = b->at(size)) {
      std::size_t const word = words_.load(b);
      size = size_in(word);
      bool const is_used = (word & block_flag::used) != 0;
      check(size >= least_block && size % block_grain == 0 && size <= distance(b, guard_of(s)),
            "a block lies in its segment", b + 1, heap);
      check(((word & block_flag::before_used) != 0) == before_used, "a block knows whether the one in front is in use",
            b + 1, heap);
      check(is_used || before_used, "no two free blocks touch", b + 1, heap);
      check(!is_used || (word & block_flag::guard) == 0, "only the end of a segment is a guard", b + 1, heap);
      check(is_used || last_word(b, size) == size, "the size of a free block stands at both its ends", b + 1, heap);
      check(b == spare_ ? spans(b, size) && !is_used : is_used || !spans(b, size),
            "an empty segment is the one that is kept, or went back", b + 1, heap);
      all.free += is_used ? 0 : size;
      (is_used ? all.used_blocks : all.free_blocks) += 1;
      if (is_used && b != reserve_) all.used_blocks -= words_.is_live(b) ? 0 : 1;
      before_used = is_used;
    }
    std::size_t const end = words_.load(b);
    check(size_in(end) == s->bytes && (end & block_flag::guard) != 0 && (end & block_flag::used) != 0,
          "a segment ends in a guard", s, heap);
    check(((end & block_flag::before_used) != 0) == before_used, "a block knows whether the one in front is in use", b,
          heap);
    check(source_.index().find(b) == s && source_.index().find(s) == s, "a segment is found by its addresses", s, heap);
    all.bytes += s->bytes;
    ++all.segments;
  }
  check(all.bytes == source_.used_bytes() && all.segments == source_.count(), "segments are counted", nullptr, heap);
  check(all.free == free_bytes_, "free bytes are counted", nullptr, heap);
  check(reserve_ == nullptr || size_of(reserve_) == reserve_size, "the reserve is whole", reserve_, heap);
  source_.verify_kept(heap);
  verify_pools(all.free_blocks, heap);
}

/// Every pool holds free blocks that belong there, and together they hold all there are.
template <class Options> void segment_core<Options>::verify_pools(std::size_t free, void const* heap) const noexcept {
  std::size_t found = 0;
  auto const is_free = [&](heap_block* b, bool is_rest, bool is_here) {
    std::size_t const word = words_.load(b);
    check(owns(b->payload()) && (word & block_flag::used) == 0 && is_here, "a pool holds free blocks of its sizes",
          b + 1, heap);
    check(((word & block_flag::guard) != 0) == is_rest, "a free block knows whether it is a rest", b + 1, heap);
    ++found;
  };
  std::size_t small = 0, large = 0;
  free_buckets_.for_each(words_, [&](heap_block* b, std::size_t i) {
    is_free(b, false, is_bucketed(size_of(b)) && bucket_of(size_of(b)) == i);
    small |= std::size_t{1} << i;
  });
  large_free_buckets_.for_each(words_, [&](heap_block* b, std::size_t i) {
    is_free(b, false, !is_bucketed(size_of(b)) && trie_of(size_of(b)) == i);
    large |= std::size_t{1} << i;
  });
  rest_buckets_.for_each([&](heap_block* b) { is_free(b, true, !is_bucketed(size_of(b))); });
  check(found == free, "every free block is in exactly one pool", nullptr, heap);
  check(small == free_buckets_.bitmap() && large == large_free_buckets_.bitmap(), "bitmaps say which pools have blocks",
        nullptr, heap);
  std::size_t cached = 0;
  cache_.for_each(words_, [&](heap_block* b, std::size_t i) {
    std::size_t const word = words_.load(b);
    check(owns(b->payload()) && (word & block_flag::used) != 0 && is_bucketed(size_in(word)) &&
              bucket_of(size_in(word)) == i,
          "the cache holds blocks of its sizes, in use to their neighbours", b + 1, heap);
    cached += size_in(word);
  });
  check(cached == cache_.bytes(), "the cache counts its bytes", nullptr, heap);
}

}}}  // namespace zmm::detail
