// The request heap's checks: of blocks that callers name, and of its own lists before they are given back.
#pragma once

#include <zmm/hardening/proven_links.hpp>
#include <zmm/request/request_checks.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Stops unless memory at `block` is the pool's or in the caller's buffer. Does not read what `block` points to.
template <class Options> void request_heap_own<Options>::check_memory(void const* block) const noexcept {
  if (is_in_buffer(block)) return;
  bool const is_huge = chunk_type::of(block) == block;
  if (is_huge ? pool_->find_huge(block).start == nullptr : !pool_->has_chunk(chunk_type::of(block)))
    stop({"a freed block lies in memory of this request", block, this});
}

/// Whether a quick look proves that a live packed block for `bytes` at `alignment` is there; if so, it has no tag any more. A
/// chunk in which a block of this request was seen is readable: a slab of the request lies there, and when slabs go, all
/// chunks are forgotten.
template <class Options>
ZMM_INLINE bool request_heap_own<Options>::end_if_proved(void* block, bin_index bin, std::size_t bytes,
                                                         std::size_t alignment) noexcept {
  void const* const word = reinterpret_cast<void const*>(address_of(block) - 8);  // in another chunk if a chunk starts here
  bool const is_readable = ZMM_LIKELY(this->known.is_in_last(word)) || this->known.has(chunk_type::of(word));
  if (ZMM_UNLIKELY(!is_readable || !this->tags.is_live(block, bin, bytes, alignment))) return false;
  this->tags.end_life(block, bin, bytes);
  return true;
}
/// Stops unless there is such a block.
template <class Options>
void request_heap_own<Options>::free_packed(void* block, bin_index bin, std::size_t bytes, std::size_t alignment) noexcept {
  if (end_if_proved(block, bin, bytes, alignment)) return;
  bool const is_chunk_start = chunk_type::of(block) == block, is_own = is_in_buffer(block);
  check_memory(block);
  bool const has_word = is_own ? is_in_buffer(reinterpret_cast<void const*>(address_of(block) - 8)) : !is_chunk_start;
  if (!has_word) stop({"a freed block starts where it was allocated", block, this});
  this->tags.check_and_end(block, bin, bytes, alignment);
  if (!is_own) this->known.add(chunk_type::of(block), 0);
}

/// Stops unless a live paged block of this request, of at least `bytes`, is there.
template <class Options>
void request_heap_own<Options>::check_paged(void const* block, std::size_t bytes,
                                              std::size_t alignment) const noexcept {
  check_memory(block);
  bool const is_huge = chunk_type::of(block) == block;
  bool const is_place = is_aligned(block, geometry::page_bytes) && is_aligned(block, alignment);
  if (!is_place || is_in_buffer(block) ||
      (!is_huge && entry_of(block).kind() != page_kind::large))
    stop({"a freed paged block is live", block, this});
  std::size_t const place = tag_of(block);
  check(place < table_.size() && table_[place].start() == block, "a freed paged block belongs to this request",
                block, this);
  check(bytes <= usable_of(table_[place]), "a block is freed with the size and alignment it was allocated with",
                block, this);
}

template <class Options> void request_heap_own<Options>::seal_run(paged_block block) const noexcept {
  if (!block.is_huge()) this->tags.seal_end(offset(block.start(), bytes_of(block)));
}
template <class Options> void request_heap_own<Options>::check_run(paged_block block) const noexcept {
  if (!block.is_huge()) this->tags.check_end(block.start(), offset(block.start(), bytes_of(block)));
}

/// As resize_in_place(), for a packed block: its word says what it is.
template <class Options>
std::size_t request_heap_own<Options>::resize_packed(void* block, std::size_t min_bytes,
                                                       std::size_t preferred_bytes) noexcept {
  if (chunk_type::of(block) == block && !is_in_buffer(block)) return 0;
  if (is_in_buffer(block) && !is_in_buffer(reinterpret_cast<void const*>(address_of(block) - 8)))
    stop({"a resized block is live", block, this});
  if constexpr (Options::tag_blocks) {
    block_tag const text = this->tags.read(block);
    std::size_t const alignment = text.alignment();
    if (!text.is_whole() || text.bytes() == 0 || !is_packed(text.bytes(), alignment))
      stop({"a resized block is live", block, this});
    bin_index const bin = packed_bin(text.bytes(), alignment);
    static_cast<void>(this->tags.read(block, bin));  // what lies behind it, too
    std::size_t const least = min_bytes != 0 ? min_bytes : 1;
    if (!is_packed(least, alignment) || packed_bin(least, alignment).value != bin.value) return 0;
    std::size_t granted = preferred_bytes < classes::usable(bin) ? preferred_bytes : classes::usable(bin);
    if (granted < least) granted = least;
    this->tags.write_resized(block, bin, text, granted);
    return granted;
  } else {
    bin_index const bin = this->tags.bin_of(block);
    static_cast<void>(preferred_bytes);
    if (min_bytes == 0 || min_bytes > classes::largest) return 0;
    return classes::bin_of_bytes(min_bytes).value == bin.value ? classes::usable(bin) : 0;
  }
}

/// Stops unless the slabs lie in memory of the pool, are marked in the page map with their size, and are as many as
/// were taken: so what an overflow wrote into the head of a slab is not given to the pool.
template <class Options> void request_heap_own<Options>::check_slabs() const noexcept {
  std::size_t bytes = 0;
  for (slab* s = slabs_; s != nullptr; s = s->next) {
    bool const is_place = is_aligned(s, geometry::page_bytes) && chunk_type::of(s) != static_cast<void*>(s) &&
                          pool_->has_chunk(chunk_type::of(s));
    bool const is_slab = is_place && entry_of(s) == page_entry::slab(s->bytes / geometry::page_bytes);
    bytes += is_slab ? s->bytes : 0;
    if (!is_slab || bytes > slab_bytes_) stop({"the list of slabs is as the request left it", s, this});
  }
  if (bytes != slab_bytes_) stop({"the list of slabs is as the request left it", slabs_, this});
}

/// Effects: zeroes what was carved: the open region up to the cursor, the others whole.
template <class Options> void request_heap_own<Options>::wipe_slabs() noexcept {
  bool open = true;
  for (slab* s = slabs_; s != nullptr; s = s->next) {
    allow(s->begin(), distance(s->begin(), s->end()));
    zero_bytes(s->begin(),
                       open ? distance(s->begin(), bins_.cursor()) : distance(s->begin(), s->end()));
    open = false;
  }
  allow(buffer_, buffer_bytes_);
  if (buffer_ != nullptr) zero_bytes(buffer_, open ? distance(buffer_, bins_.cursor()) : buffer_bytes_);
}

}}}  // namespace zmm::detail
