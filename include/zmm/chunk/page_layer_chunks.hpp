// The page layer's dealings in whole chunks: taking, caching, giving back, purging.
#pragma once

#include <zmm/chunk/page_layer.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Gives everything back to storage.
template <class Geometry> page_layer<Geometry>::~page_layer() {
  index_.erase_if([&](extent const& e) {
    if (e.is_chunk()) {
      storage_->deallocate(e.start, Geometry::chunk_bytes, Geometry::chunk_bytes);
    } else {
      storage_->deallocate(e.start, e.bytes, e.reserve);
    }
    return true;
  });
  index_.trim(*storage_, book_);
}

/// A block from storage, charged, and room for it in the index; null leaves everything as it was.
template <class Geometry>
void* page_layer<Geometry>::take_extent(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
  if (!book_.admits(bytes, asked)) return nullptr;
  void* const block = storage_->allocate(bytes, alignment, bytes);
  if (block == nullptr) return asked.refuse_storage(bytes, alignment);
  if (!index_.make_room(*storage_, book_, bytes, asked)) {
    storage_->deallocate(block, bytes, bytes);
    return nullptr;
  }
  book_.add(bytes);
  return block;
}

/// Effects: every page but the header's is free, as in a chunk whose pages were all given back. What is dirty stays so.
template <class Geometry> void page_layer<Geometry>::format(chunk_type* c) noexcept {
  c->taken = {};
  c->taken.set(0, header_pages<Geometry>);
  for (page_entry& entry : c->map) entry = page_entry{};
  c->free_pages = static_cast<std::uint32_t>(usable_pages<Geometry>);
  c->longest = c->free_pages;
}

template <class Geometry> ZMM_NOINLINE chunk<Geometry>* page_layer<Geometry>::add_chunk(admission& asked) noexcept {
  chunk_type* c;
  if (!cached_.empty()) {
    c = cached_.pop();
  } else {
    void* const block = take_extent(Geometry::chunk_bytes, Geometry::chunk_bytes, asked);
    if (block == nullptr) return nullptr;
    index_.insert({block, 0, 0, 0});
    c = ::new (block) chunk_type;
    c->owner = this;
    c->number = next_number_++;
    c->dirty.set(0, header_pages<Geometry>);
    format(c);
  }
  lists_.insert(c);
  policy_.on_take(++chunks_);
  return c;
}

/// Takes an empty chunk out of use: cached if the policy keeps one more; else of it and the last cached one the younger
/// goes back to storage.
template <class Geometry> ZMM_NOINLINE void page_layer<Geometry>::retire(chunk_type* c) noexcept {
  lists_.remove(c);
  --chunks_;
  if (policy_.keeps(chunks_, cached_.count())) return cached_.push(c);
  if (!cached_.empty() && cached_.top()->number > c->number) {
    chunk_type* const younger = cached_.pop();
    cached_.push(c);
    c = younger;
  }
  drop(c);
}

template <class Geometry> void page_layer<Geometry>::drop(chunk_type* c) noexcept {
  index_.erase(index_.find(c));
  book_.subtract(Geometry::chunk_bytes);
  storage_->deallocate(c, Geometry::chunk_bytes, Geometry::chunk_bytes);
}

template <class Geometry> std::size_t page_layer<Geometry>::retire_empty() noexcept {
  std::size_t const before = book_.real_size();
  lists_.for_each([&](chunk_type* c) {
    if (c->free_pages == usable_pages<Geometry>) retire(c);
  });
  return before - book_.real_size();
}

template <class Geometry>
bool page_layer<Geometry>::extend_pages(void* first, std::size_t count, std::size_t more) noexcept {
  chunk_type* const c = chunk_type::of(first);
  std::size_t const end = chunk_type::page_of(first) + count;
  std::size_t const gap = free_behind(first, count);
  if (gap < more) return false;
  occupy(c, end, more);
  if (gap == c->longest) lists_.relist(c, longest_gap(c->taken));
  return true;
}

template <class Geometry> std::size_t page_layer<Geometry>::drop_cached() noexcept {
  std::size_t const bytes = cached_.count() * Geometry::chunk_bytes;
  while (!cached_.empty()) drop(cached_.pop());
  return bytes;
}

/// Gives the memory behind free pages that were ever used back, by whole OS pages. Returns: bytes.
template <class Geometry> std::size_t page_layer<Geometry>::purge_free_pages(chunk_type* c) noexcept {
  std::size_t const grain = os_page_size() > Geometry::page_bytes ? os_page_size() / Geometry::page_bytes : 1;
  std::size_t purged = 0;
  for (std::size_t gap = c->taken.next_clear(0); gap < Geometry::pages; gap = c->taken.next_clear(gap)) {
    std::size_t const end = c->taken.next_set(gap);
    while ((gap = c->dirty.next_set(gap)) < end) {
      std::size_t const clean = c->dirty.next_clear(gap);
      std::size_t const from = align_up(gap, grain), to = align_down(clean < end ? clean : end, grain);
      if (from < to && storage_->purge(c->page(from), (to - from) * Geometry::page_bytes)) {
        c->dirty.clear(from, to - from);
        purged += (to - from) * Geometry::page_bytes;
      }
      gap = clean;
    }
    gap = end;
  }
  return purged;
}

template <class Geometry> std::size_t page_layer<Geometry>::trim() noexcept {
  std::size_t bytes = drop_cached();
  lists_.for_each([&](chunk_type* c) { bytes += purge_free_pages(c); });
  return bytes + index_.trim(*storage_, book_);
}

template <class Geometry> void page_layer<Geometry>::release() noexcept {
  index_.erase_if([&](extent const& e) {
    if (e.is_chunk()) return false;
    storage_->deallocate(e.start, e.bytes, e.reserve);
    book_.subtract(e.bytes);
    return true;
  });
  huge_bytes_ = 0;

  chunk_type* oldest = nullptr;
  lists_.for_each([&](chunk_type* c) {
    if (oldest == nullptr || c->number < oldest->number) oldest = c;
  });
  lists_.for_each([&](chunk_type* c) {
    if (c == oldest) return;
    format(c);
    cached_.push(c);
  });
  lists_ = {};
  chunks_ = 0;
  if (oldest != nullptr) {
    format(oldest);
    lists_.insert(oldest);
    chunks_ = 1;
  }
  end_request();
}

template <class Geometry> void page_layer<Geometry>::end_request() noexcept {
  policy_.on_end(chunks_);
  while (!cached_.empty() && policy_.exceeds(cached_.count())) drop(cached_.pop());
}

}}}  // namespace zmm::detail
