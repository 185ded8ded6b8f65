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
  if (kept_.count() != 0) {
    if (void* const block = reuse_huge(size, alignment, tag, asked)) return block;
  }
  std::size_t reserve = asked.growth >= growth::known ? reserve_for(size, asked.growth) : size;
  void* const block = take_extent(size, alignment, reserve, asked);
  if (block == nullptr) return nullptr;
  insert_extent({block, size, reserve, tag});
  huge_bytes_ += size;
  return block;
}

template <class Geometry> std::size_t chunk_source<Geometry>::give_huge(void* block) noexcept {
  std::size_t const used = note_give();
  extent* const found = index_.find(block);
  bool const is_mine = found != nullptr && found->start == block && found->is_huge();
  check(is_mine, "a freed huge block belongs to this heap", block, this);
  seals::verify(*found);
  if (ZMM_UNLIKELY(slack_of(*found) != 0)) return give_with_slack(*found);
  extent const e = *found;
  huge_bytes_ -= e.bytes;
  if (keeping_.keeps(e.bytes, used - e.bytes, kept_bytes()) && book_.excess() == 0) {
    keep_huge(*found);
    return e.bytes;
  }
  index_.erase(found);
  book_.subtract(e.bytes);
  keeping_.on_give(e.bytes);
  give_extent(e.start, e.bytes, e.reserve);
  return e.bytes;
}

template <class Geometry>
std::size_t chunk_source<Geometry>::resize_huge(void* block, std::size_t bytes, admission& asked) noexcept {
  extent* e = index_.find(block);
  std::size_t const size = huge_size(bytes);
  if (size < bytes || size == 0) return 0;
  if (asked.growth == growth::guarded && size > e->bytes && size + os_page_size() > e->reserve)
    return 0;  // the last page stays a guard
  if (size == e->bytes) return size;
  extent const before = join_slack(*e);
  if (size > e->bytes) {
    std::size_t const more = size - e->bytes;
    bool const admitted = admits(more, asked);
    e = index_.find(block);  // dropping what was kept may have moved it
    if (!admitted || !storage_->extend(e->start, e->bytes, size)) {
      part_again(*e, before);
      return 0;
    }
    book_.add(more);
    huge_bytes_ += more;
    if (e->reserve < size) e->reserve = size;
  } else if (size < e->bytes) {
    if (!storage_->truncate(e->start, e->bytes, size)) {
      part_again(*e, before);
      return 0;
    }
    book_.subtract(e->bytes - size);
    huge_bytes_ -= e->bytes - size;
    if (e->reserve == e->bytes) e->reserve = size;
  }
  forget_roots(e->start, e->bytes);  // roots are known by their size
  note_roots(e->start, size);
  e->bytes = size;
  seals::write(*e);
  return size;
}

template <class Geometry>
void* chunk_source<Geometry>::move_huge(void* block, std::size_t bytes, std::size_t alignment,
                                        admission& asked) noexcept {
  extent* e = index_.find(block);
  std::size_t const size = huge_size(bytes);
  if (size < bytes || size == 0 || e->reserve != e->bytes + slack_of(*e)) return nullptr;
  if (alignment < Geometry::chunk_bytes) alignment = Geometry::chunk_bytes;
  extent const before = join_slack(*e);
  bool const admitted = size <= e->bytes || admits(size - e->bytes, asked);
  e = index_.find(block);  // as above
  extent const old = *e;
  void* const place = admitted ? storage_->move(old.start, old.bytes, size, alignment) : nullptr;
  if (place == nullptr) {
    part_again(*e, before);
    return nullptr;
  }
  forget_roots(old.start, old.bytes);
  note_roots(place, size);
  index_.erase(e);
  insert_extent({place, size, size, old.tag});
  book_.replace(old.bytes, size);
  huge_bytes_ += size - old.bytes;
  return place;
}

template <class Geometry> void chunk_source<Geometry>::release_huge() noexcept {
  keeping_.on_use(used_bytes());
  index_.erase_if([&](extent const& found) {
    if (!found.is_huge()) return false;
    seals::verify(found);
    join_slack(*index_.find(found.start));
    extent const e = *index_.find(found.start);
    huge_bytes_ -= e.bytes;
    if (keeps(e.bytes)) {
      keep_huge(*index_.find(e.start));
      return false;
    }
    book_.subtract(e.bytes);
    keeping_.on_give(e.bytes);
    give_extent(e.start, e.bytes, e.reserve);
    return true;
  });
}

}}}  // namespace zmm::detail
