// The chunk source's dealings in whole chunks: taking, caching, giving back; and its verification.
#pragma once

#include <zmm/chunk/chunk_source.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Gives everything back to storage.
template <class Geometry> chunk_source<Geometry>::~chunk_source() {
  index_.erase_if([&](extent const& e) {
    seals::verify(e);
    if (e.is_kept()) {
      allow(e.start, e.usable());
      storage_->deallocate(e.start, e.usable(), e.reserve);
    } else if (e.is_chunk()) {
      give_extent(e.start, Geometry::chunk_bytes, Geometry::chunk_bytes);
    } else {
      forget_roots(e.start, e.bytes);  // roots are known by their size
      allow(offset(e.start, e.bytes), slack_of(e));
      storage_->deallocate(e.start, e.bytes + slack_of(e), e.reserve);
    }
    return true;
  });
  index_.trim(*storage_, book_);
}

/// Takes a block from storage, charges it, and makes room for it in the index. Null: nothing has changed, except that
/// what was kept is given back as far as that might have helped. `reserve` becomes `bytes` if there is not so much
/// address space.
template <class Geometry>
void* chunk_source<Geometry>::take_extent(std::size_t bytes, std::size_t alignment, std::size_t& reserve,
                                          admission& asked) noexcept {
  if (asked.at_hand) return nullptr;
  std::size_t const wanted = reserve;
  for (;;) {
    if (void* const block = try_extent(bytes, alignment, reserve, asked)) return block;
    bool const may_help = asked.why == refusal::storage || bytes <= book_.remaining();  // else admits() has tried
    if (!may_help || drop_cached(bytes) == 0) return nullptr;
    asked.why = refusal::none;
    reserve = wanted;
  }
}

template <class Geometry>
void* chunk_source<Geometry>::try_extent(std::size_t bytes, std::size_t alignment, std::size_t& reserve,
                                         admission& asked) noexcept {
  if (!admits(bytes, asked)) return nullptr;
  void* block = reserve > bytes ? storage_->allocate(bytes, alignment, reserve) : nullptr;
  if (block == nullptr) block = storage_->allocate(bytes, alignment, reserve = bytes);
  if (block == nullptr) return asked.refuse_storage(bytes, alignment);
  if (!index_.make_room(*storage_, book_, bytes, asked)) {
    storage_->deallocate(block, bytes, reserve);
    return nullptr;
  }
  book_.add(bytes);
  keeping_.on_take(bytes, used_bytes());
  note_roots(block, bytes);
  return block;
}

/// A block goes back to storage.
template <class Geometry>
void chunk_source<Geometry>::give_extent(void* block, std::size_t bytes, std::size_t reserve) noexcept {
  forget_roots(block, bytes);
  storage_->deallocate(block, bytes, reserve);
}

template <class Geometry> void chunk_source<Geometry>::format(chunk_type* c) noexcept {
  c->taken = {};
  c->taken.set(0, header_pages<Geometry>);
  c->grown = {};
  for (page_entry& entry : c->map) entry = page_entry{};
  for (std::uint16_t& count : c->free_slots) count = 0;
  for (std::uint32_t& head : c->spare_head) head = 0;
  for (chunk_type*& next : c->spare_next) next = nullptr;
  c->free_pages = static_cast<std::uint32_t>(usable_pages<Geometry>);
  c->longest = c->free_pages;
}

template <class Geometry>
ZMM_NOINLINE chunk<Geometry>* chunk_source<Geometry>::take_chunk(void* owner, admission& asked) noexcept {
  chunk_type* c;
  if (!cached_.empty()) {
    c = pop_cached();
  } else {
    if (kept_.count() != 0 && !asked.at_hand) trade_idle();
    std::size_t reserve = Geometry::chunk_bytes;
    void* const block = take_extent(Geometry::chunk_bytes, Geometry::chunk_bytes, reserve, asked);
    if (block == nullptr) return nullptr;
    insert_extent({block, 0, 0, 0});
    c = ::new (block) chunk_type;
    c->number = chunks_ever.fetch_add(1, detail::memory_order_relaxed);
    c->dirty.set(0, header_pages<Geometry>);
    format(c);
  }
  c->owner = owner;
  policy_.on_take(++chunks_);
  return c;
}

/// Caches the chunk if one of the policies keeps one more. Otherwise the younger of it and the chunk cached last goes
/// back to storage.
template <class Geometry> ZMM_NOINLINE std::size_t chunk_source<Geometry>::give_chunk(chunk_type* c) noexcept {
  note_give();
  --chunks_;
  c->owner = nullptr;
  if ((policy_.keeps(chunks_, cached_.count()) || keeps(Geometry::chunk_bytes)) && book_.excess() == 0) {
    cached_.push(c);
    return 0;
  }
  if (!cached_.empty() && cached_.top()->number > c->number) {
    chunk_type* const younger = pop_cached();
    cached_.push(c);
    c = younger;
  }
  drop(c);
  return Geometry::chunk_bytes;
}

template <class Geometry> void chunk_source<Geometry>::put_aside(chunk_type* c) noexcept {
  keeping_.on_use(used_bytes());
  --chunks_;
  c->owner = nullptr;
  format(c);
  cached_.push(c);
}

template <class Geometry> void chunk_source<Geometry>::release() noexcept {
  release_huge();
  index_.for_each([&](extent const& e) {
    if (!e.is_chunk()) return;
    auto* const c = static_cast<chunk_type*>(e.start);
    if (c->owner != nullptr) put_aside(c);
  });
}

template <class Geometry> ZMM_COLD void* chunk_source<Geometry>::take_record(std::size_t bytes, admission& asked) noexcept {
  std::size_t const size = record_bytes(bytes);
  if (!admits(size, asked)) return nullptr;
  void* const record = storage_->allocate(size, os_page_size(), size);
  if (record == nullptr) return asked.refuse_storage(size, os_page_size());
  book_.add(size);
  record_bytes_ += size;
  return record;
}

template <class Geometry> ZMM_COLD void chunk_source<Geometry>::give_record(void* record, std::size_t bytes) noexcept {
  std::size_t const size = record_bytes(bytes);
  storage_->deallocate(record, size, size);
  book_.subtract(size);
  record_bytes_ -= size;
}

template <class Geometry> void chunk_source<Geometry>::drop(chunk_type* c) noexcept {
  drop_counter::add();
  keeping_.on_give(Geometry::chunk_bytes);
  index_.erase(index_.find(c));
  book_.subtract(Geometry::chunk_bytes);
  give_extent(c, Geometry::chunk_bytes, Geometry::chunk_bytes);
}

template <class Geometry> extent chunk_source<Geometry>::find(void const* p) const noexcept {
  if (extent const* e = index_.find(p)) {
    bool const holds = e->is_chunk() || (e->is_huge() && distance(e->start, p) < e->bytes);
    return holds ? *e : extent{};
  }
  extent around;
  index_.for_each([&](extent const& e) {
    if (e.is_huge() && address_of(p) >= address_of(e.start) && distance(e.start, p) < e.bytes) around = e;
  });
  return around;
}

template <class Geometry> void chunk_source<Geometry>::verify(void const* heap) const noexcept {
  index_.verify(heap);
  std::size_t cached = 0;
  for (chunk_type* c = cached_.top(); c != nullptr && cached < cached_.count(); c = cached_.behind(c), ++cached) {
    extent const* const e = index_.find(c);
    check(e != nullptr && e->is_chunk(), "a cached chunk is in the address index", c, heap);
    check(c->free_pages == usable_pages<Geometry> && c->owner == nullptr, "a cached chunk is empty", c, heap);
    verify_chunk(*c, heap);
  }
  check(cached == cached_.count(), "the cache counts its chunks", nullptr, heap);
  verify_kept(heap);

  std::size_t huge = 0, huge_count = 0, slack = 0;
  for_each_huge([&](extent const& e) {
    huge += e.bytes;
    ++huge_count;
    slack += slack_of(e);
    check(slack_of(e) == 0 || e.reserve == e.bytes + slack_of(e), "slack has no address space ahead", e.start, heap);
    check(e.reserve >= e.bytes && e.bytes % os_page_size() == 0, "a huge block is whole OS pages", e.start, heap);
  });
  check(huge == huge_bytes_, "huge bytes are counted", nullptr, heap);
  check(slack == slack_bytes_ && least_slack_ <= slack, "slack is counted", nullptr, heap);
  check(huge_count == huge_blocks(), "the index holds chunks and huge blocks and nothing else", nullptr, heap);
  check(book_.real_size() ==
            chunks_ * Geometry::chunk_bytes + huge + kept_bytes() + index_.table_bytes() + record_bytes_,
        "real_size is what was taken from storage", nullptr, heap);
  check(book_.real_peak() >= book_.real_size(), "real_peak is no less than real_size", nullptr, heap);
}

}}}  // namespace zmm::detail
