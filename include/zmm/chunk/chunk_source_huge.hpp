// The chunk source's huge blocks: each has a mapping of its own, found through the address index.
#pragma once

#include <zmm/chunk/chunk_source.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Geometry>
ZMM_NOINLINE void* chunk_source<Geometry>::take_huge(std::size_t bytes, std::size_t alignment, std::size_t tag,
                                                     admission& asked) noexcept {
  std::size_t const size = huge_size(bytes);
  if (size < bytes || size == 0) return asked.refuse_address();
  if (alignment < Geometry::chunk_bytes) alignment = Geometry::chunk_bytes;
  std::size_t reserve = asked.growth >= growth::known ? reserve_for(size, asked.growth) : size;
  void* const block = take_extent(size, alignment, reserve, asked);
  if (block == nullptr) return nullptr;
  insert_extent({block, size, reserve, tag});
  huge_bytes_ += size;
  return block;
}

template <class Geometry> std::size_t chunk_source<Geometry>::give_huge(void* block) noexcept {
  extent* const found = index_.find(block);
  bool const is_mine = found != nullptr && found->start == block && !found->is_chunk();
  check(is_mine, "a freed huge block belongs to this heap", block, this);
  seals::verify(*found);
  extent const e = *found;
  index_.erase(found);
  book_.subtract(e.bytes);
  huge_bytes_ -= e.bytes;
  give_extent(e.start, e.bytes, e.reserve);
  return e.bytes;
}

template <class Geometry>
std::size_t chunk_source<Geometry>::resize_huge(void* block, std::size_t bytes, admission& asked) noexcept {
  extent* const e = index_.find(block);
  std::size_t const size = huge_size(bytes);
  if (size < bytes || size == 0) return 0;
  if (asked.growth == growth::guarded && size > e->bytes && size + os_page_size() > e->reserve)
    return 0;  // the last page stays a guard
  if (size > e->bytes) {
    std::size_t const more = size - e->bytes;
    if (!book_.admits(more, asked) || !storage_->extend(e->start, e->bytes, size)) return 0;
    book_.add(more);
    huge_bytes_ += more;
    if (e->reserve < size) e->reserve = size;
  } else if (size < e->bytes) {
    if (!storage_->truncate(e->start, e->bytes, size)) return 0;
    book_.subtract(e->bytes - size);
    huge_bytes_ -= e->bytes - size;
    if (e->reserve == e->bytes) e->reserve = size;
  }
  e->bytes = size;
  seals::write(*e);
  return size;
}

template <class Geometry>
void* chunk_source<Geometry>::move_huge(void* block, std::size_t bytes, std::size_t alignment,
                                        admission& asked) noexcept {
  extent* const e = index_.find(block);
  std::size_t const size = huge_size(bytes);
  if (size < bytes || size == 0 || e->reserve != e->bytes) return nullptr;
  if (alignment < Geometry::chunk_bytes) alignment = Geometry::chunk_bytes;
  if (size > e->bytes && !book_.admits(size - e->bytes, asked)) return nullptr;
  extent const old = *e;
  void* const place = storage_->move(old.start, old.bytes, size, alignment);
  if (place == nullptr) return nullptr;
  index_.erase(e);
  insert_extent({place, size, size, old.tag});
  book_.subtract(old.bytes);
  book_.add(size);
  huge_bytes_ += size - old.bytes;
  return place;
}

template <class Geometry> void chunk_source<Geometry>::release_huge() noexcept {
  index_.erase_if([&](extent const& e) {
    if (e.is_chunk()) return false;
    seals::verify(e);
    give_extent(e.start, e.bytes, e.reserve);
    book_.subtract(e.bytes);
    return true;
  });
  huge_bytes_ = 0;
}

}}}  // namespace zmm::detail
