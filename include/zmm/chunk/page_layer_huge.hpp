// The page layer's huge blocks: each has a mapping of its own, found through the address index.
#pragma once

#include <zmm/chunk/page_layer.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Geometry>
ZMM_NOINLINE void* page_layer<Geometry>::take_huge(std::size_t bytes, std::size_t alignment, std::size_t tag,
                                                   admission& asked) noexcept {
  std::size_t const size = huge_size(bytes);
  if (size < bytes || size == 0) return asked.refuse_address();
  if (alignment < Geometry::chunk_bytes) alignment = Geometry::chunk_bytes;
  void* const block = take_extent(size, alignment, asked);
  if (block == nullptr) return nullptr;
  index_.insert({block, size, size, tag});
  huge_bytes_ += size;
  return block;
}

template <class Geometry> void page_layer<Geometry>::give_huge(void* block) noexcept {
  extent* const found = find_huge(block);
  if (found == nullptr) return stop({"a freed huge block belongs to this heap", block, this});
  extent const e = *found;
  index_.erase(found);
  book_.subtract(e.bytes);
  huge_bytes_ -= e.bytes;
  storage_->deallocate(e.start, e.bytes, e.reserve);
}

template <class Geometry>
bool page_layer<Geometry>::resize_huge(extent* e, std::size_t bytes, admission& asked) noexcept {
  std::size_t const size = huge_size(bytes);
  if (size < bytes || size == 0) return false;
  if (size > e->bytes) {
    std::size_t const more = size - e->bytes;
    if (!book_.admits(more, asked) || !storage_->extend(e->start, e->bytes, size)) return false;
    book_.add(more);
    huge_bytes_ += more;
    if (e->reserve < size) e->reserve = size;
  } else if (size < e->bytes) {
    if (e->reserve != e->bytes || !storage_->truncate(e->start, e->bytes, size)) return false;
    book_.subtract(e->bytes - size);
    huge_bytes_ -= e->bytes - size;
    e->reserve = size;
  }
  e->bytes = size;
  return true;
}

template <class Geometry>
void* page_layer<Geometry>::move_huge(extent* e, std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
  std::size_t const size = huge_size(bytes);
  if (size < bytes || size == 0 || e->reserve != e->bytes) return nullptr;
  if (alignment < Geometry::chunk_bytes) alignment = Geometry::chunk_bytes;
  if (size > e->bytes && !book_.admits(size - e->bytes, asked)) return nullptr;
  extent const old = *e;
  void* const place = storage_->move(old.start, old.bytes, size, alignment);
  if (place == nullptr) return nullptr;
  index_.erase(e);
  index_.insert({place, size, size, old.tag});
  book_.subtract(old.bytes);
  book_.add(size);
  huge_bytes_ += size - old.bytes;
  return place;
}

/// Complexity: O(1) for chunks and for what points into a huge block's first chunk-sized piece; else linear in the
/// places of the index.
template <class Geometry> bool page_layer<Geometry>::owns(void const* p) const noexcept {
  if (extent const* e = index_.find(p)) {
    if (!e->is_chunk()) return distance(e->start, p) < e->bytes;
    return static_cast<chunk_type*>(e->start)->taken.test(chunk_type::page_of(p)) &&
           chunk_type::page_of(p) >= header_pages<Geometry>;
  }
  bool inside = false;
  index_.for_each([&](extent const& e) {
    inside = inside || (!e.is_chunk() && address_of(p) >= address_of(e.start) && distance(e.start, p) < e.bytes);
  });
  return inside;
}

}}}  // namespace zmm::detail
