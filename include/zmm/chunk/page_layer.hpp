// The page layer: chunks from storage, pages from chunks, huge blocks. What every engine stands on.
//
//     take_pages ─ span_lists::find ─ best_fit
//        └─ add_chunk ─ chunk_stack::pop, or storage::allocate
//     give_pages
//        └─ retire ─ chunk_policy::keeps ─ chunk_stack::push, or storage::deallocate
//     take_huge, give_huge, resize_huge, move_huge ─ storage
#pragma once

#include <zmm/chunk/address_index.hpp>
#include <zmm/chunk/best_fit.hpp>
#include <zmm/chunk/chunk_cache.hpp>
#include <zmm/chunk/span_lists.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Invariants:
///     book.real_size == (chunks + cached) * chunk_bytes + bytes of huge blocks + bytes of the address index
///     the index holds every chunk in use, every cached chunk and every huge block, and nothing else
///     every chunk in use is in the span list of its longest gap; a chunk without a taken page is not in use, except
///     between keep_empty pages given and retire_empty()
/// One thread at a time. Operations that fail return null or false, change nothing and say why in the admission.
template <class Geometry> class page_layer {
public:
  using chunk_type = chunk<Geometry>;

  constexpr explicit page_layer(storage& from) noexcept : storage_(&from) {}
  page_layer(page_layer const&) = delete;
  page_layer& operator=(page_layer const&) = delete;
  ~page_layer();

  ledger& book() noexcept { return book_; }
  ledger const& book() const noexcept { return book_; }
  std::size_t chunks() const noexcept { return chunks_; }
  std::size_t cached_chunks() const noexcept { return cached_.count(); }
  std::size_t huge_blocks() const noexcept { return index_.count() - chunks_ - cached_.count(); }
  std::size_t huge_bytes() const noexcept { return huge_bytes_; }

  /// Whether a request of `pages` pages at `alignment` pages is served from chunks.
  static constexpr bool fits_chunk(std::size_t pages, std::size_t alignment) noexcept {
    return pages <= usable_pages<Geometry> && alignment <= usable_pages<Geometry> &&
           pages + alignment - 1 <= usable_pages<Geometry>;
  }

  /// Returns: `count` pages, the first at a multiple of `alignment` pages. The caller writes their map entries.
  /// Requires: fits_chunk(count, alignment). Complexity: constant in the number of chunks.
  void* take_pages(std::size_t count, std::size_t alignment, admission& asked) noexcept {
    std::size_t const needed = count + alignment - 1;
    chunk_type* c = lists_.find(needed);
    if (c == nullptr && (c = add_chunk(asked)) == nullptr && (c = lists_.find_hidden(needed)) == nullptr)
      return nullptr;
    fit const found = best_fit(c->taken, count, alignment, c->longest);
    occupy(c, found.first, count);
    lists_.relist(c, found.longest);
    return c->page(found.first);
  }

  /// Effects: pages are free again, their map entries cleared; a chunk left without any is cached or given back, or,
  /// with keep_empty, left for retire_empty().
  void give_pages(void* first, std::size_t count, bool keep_empty = false) noexcept {
    chunk_type* const c = chunk_type::of(first);
    std::size_t const at = chunk_type::page_of(first);
    for (std::size_t i = 0; i < count; ++i) c->map[at + i] = page_entry{};
    c->taken.clear(at, count);
    c->free_pages += static_cast<std::uint32_t>(count);
    std::size_t const merged = c->taken.next_set(at + count) - c->taken.clear_run_start(at);
    if (merged > c->longest) lists_.relist(c, merged);
    if (c->free_pages == usable_pages<Geometry> && !keep_empty) retire(c);
  }

  /// Effects: takes `more` pages right behind the run of `count` pages at `first`. Returns: whether they were free.
  bool extend_pages(void* first, std::size_t count, std::size_t more) noexcept;

  /// Whether take_pages(count, 1) would be served without another chunk from storage.
  bool has_room(std::size_t count) const noexcept { return !cached_.empty() || lists_.find(count) != nullptr; }

  /// Free pages right behind the run.
  std::size_t free_behind(void const* first, std::size_t count) const noexcept {
    std::size_t const end = chunk_type::page_of(first) + count;
    return chunk_type::of(first)->taken.next_set(end) - end;
  }

  /// Effects: caches or gives back the chunks that were left empty. Returns: bytes of chunks given back.
  std::size_t retire_empty() noexcept;

  /// Returns: a block with a mapping of its own, aligned to `alignment` and to the chunk size. Requires: alignment is a
  /// power of two.
  void* take_huge(std::size_t bytes, std::size_t alignment, std::size_t tag, admission& asked) noexcept;
  void give_huge(void* block) noexcept;

  /// The huge block that starts at `block`; null if there is none. Reads nothing behind `block`.
  extent* find_huge(void const* block) const noexcept {
    extent* const e = index_.find(block);
    return e != nullptr && e->start == block && !e->is_chunk() ? e : nullptr;
  }

  /// Effects: resizes a huge block in place to `bytes` rounded up to the OS page. Returns: whether storage could.
  bool resize_huge(extent* e, std::size_t bytes, admission& asked) noexcept;
  /// Effects: resizes a huge block, moving its pages if needed. Returns: its new place; null if storage cannot.
  void* move_huge(extent* e, std::size_t bytes, std::size_t alignment, admission& asked) noexcept;

  /// Whether `p` points into a chunk in use or a huge block. Reads nothing behind `p`.
  bool owns(void const* p) const noexcept;

  /// Effects: gives cached chunks back to storage. Returns: bytes.
  std::size_t drop_cached() noexcept;
  /// Effects: gives cached chunks and, with purge, the memory behind free pages back. Returns: bytes.
  std::size_t trim() noexcept;
  /// Effects: frees everything; keeps the oldest chunk, and as many more as Zend's average says.
  void release() noexcept;
  /// Effects: tells the cache policy that a request has ended. Gives back cached chunks beyond the average.
  void end_request() noexcept;

  template <class Visit> void for_each_chunk(Visit visit) const { lists_.for_each(visit); }
  template <class Visit> void for_each_huge(Visit visit) const {
    index_.for_each([&](extent const& e) {
      if (!e.is_chunk()) visit(e);
    });
  }
  void verify(void const* heap) const noexcept;

private:
  void* take_extent(std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  chunk_type* add_chunk(admission& asked) noexcept;
  void retire(chunk_type* c) noexcept;
  void drop(chunk_type* c) noexcept;
  static void format(chunk_type* c) noexcept;
  std::size_t purge_free_pages(chunk_type* c) noexcept;

  /// `bytes` as storage wants them: whole OS pages. 0 if there is no such number.
  static std::size_t huge_size(std::size_t bytes) noexcept { return align_up(bytes, os_page_size()); }

  static void occupy(chunk_type* c, std::size_t first, std::size_t count) noexcept {
    c->taken.set(first, count);
    c->dirty.set(first, count);
    c->free_pages -= static_cast<std::uint32_t>(count);
  }

  storage* storage_;
  ledger book_;
  span_lists<Geometry> lists_;
  chunk_stack<Geometry> cached_;
  chunk_policy policy_;
  std::size_t chunks_ = 0;
  std::size_t huge_bytes_ = 0;
  std::uint64_t next_number_ = 0;
  address_index<Geometry> index_;
};

}}}  // namespace zmm::detail

#include <zmm/chunk/page_layer_chunks.hpp>
#include <zmm/chunk/page_layer_huge.hpp>
#include <zmm/chunk/page_layer_verify.hpp>
