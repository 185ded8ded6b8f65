// Where chunks and huge blocks come from and go to: storage, the limit, the cache, and the index of all that was taken.
//
//     take_chunk ─ chunk_stack::pop, or storage::allocate
//     give_chunk ─ chunk_policy::keeps ─ chunk_stack::push, or storage::deallocate
//     take_huge, give_huge, resize_huge, move_huge ─ storage
#pragma once

#include <zmm/base/annotate.hpp>
#include <zmm/chunk/address_index.hpp>
#include <zmm/chunk/checked_geometry.hpp>
#include <zmm/chunk/chunk_cache.hpp>
#include <zmm/chunk/chunk_verify.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Counts what only checked engines ask about. Written by one thread at a time, read by any.
template <bool Counts> class drop_count {
public:
  std::uint64_t count() const noexcept { return 0; }
  void add() noexcept {}
};
template <> class drop_count<true> {
public:
  // Relaxed: who frees a block of a chunk has it from someone for whom the chunk was there.
  std::uint64_t count() const noexcept { return count_.load(std::memory_order_relaxed); }
  void add() noexcept { count_.store(count() + 1, std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> count_{1};
};

/// Invariants:
///     book.real_size == (chunks + cached) * chunk_bytes + bytes of huge blocks, of the address index and of records
///     a chunk has an owner if it is in use, and none if it is cached
///     the index holds every chunk in use, every cached chunk and every huge block, and nothing else
/// One thread at a time. Operations that fail return null, 0 or false, change nothing and say why in the admission.
template <class Geometry>
class chunk_source : drop_count<counts_drops<Geometry>>, extent_seals<checks_chunks<Geometry>> {
  using drop_counter = drop_count<counts_drops<Geometry>>;
  using seals = extent_seals<checks_chunks<Geometry>>;

public:
  using geometry = Geometry;
  using chunk_type = chunk<Geometry>;

  constexpr explicit chunk_source(storage& from) noexcept : storage_(&from) {}
  chunk_source(chunk_source const&) = delete;
  chunk_source& operator=(chunk_source const&) = delete;
  ~chunk_source();

  ledger& book() noexcept { return book_; }
  ledger const& book() const noexcept { return book_; }
  std::size_t real_size() const noexcept { return book_.real_size(); }
  std::size_t chunks() const noexcept { return chunks_; }
  std::size_t cached_chunks() const noexcept { return cached_.count(); }
  std::size_t huge_blocks() const noexcept { return index_.count() - chunks_ - cached_.count(); }
  std::size_t huge_bytes() const noexcept { return huge_bytes_; }

  /// Returns: a chunk without a block in it, now in use by `owner`.
  chunk_type* take_chunk(void* owner, admission& asked) noexcept;
  /// Effects: a chunk is no longer in use; it is cached or given back. Requires: all its pages are free. Returns: bytes
  /// given back to storage.
  std::size_t give_chunk(chunk_type* c) noexcept;
  /// Effects: a chunk is no longer in use, whatever lies in it; it is cached. For end_request() to look at.
  void put_aside(chunk_type* c) noexcept;
  /// Effects: every page but the header's is free, as in a chunk whose pages were all given back. What is dirty stays
  /// so.
  static void format(chunk_type* c) noexcept;

  /// Returns: a block with a mapping of its own, aligned to `alignment` and to the chunk size; one that grows has
  /// address space ahead of it, if there is any. Requires: alignment is a power of two.
  void* take_huge(std::size_t bytes, std::size_t alignment, std::size_t tag, admission& asked) noexcept;
  /// Returns: the bytes given back. A block that is not of this source goes to the stop handler.
  std::size_t give_huge(void* block) noexcept;
  /// Effects: resizes a huge block in place to `bytes` rounded up to the OS page. Returns: the bytes it has then; 0:
  /// storage or the limit refused.
  std::size_t resize_huge(void* block, std::size_t bytes, admission& asked) noexcept;
  /// Effects: resizes a huge block, moving its pages if needed. Returns: its new place; null if storage cannot.
  void* move_huge(void* block, std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  void retag_huge(void* block, std::size_t tag) noexcept { index_.find(block)->tag = tag; }
  /// The huge block that starts at `block`; one of null if there is none. Reads nothing behind `block`.
  extent find_huge(void const* block) const noexcept {
    extent const* const e = index_.find(block);
    if (e == nullptr || e->start != block || e->is_chunk()) return extent{};
    seals::verify(*e);
    return *e;
  }
  /// Effects: gives all huge blocks back.
  void release_huge() noexcept;

  /// Whether a chunk of this source, in use or cached, starts at `p`. Reads nothing behind `p`.
  bool has_chunk(void const* p) const noexcept {
    extent const* const e = index_.find(p);
    if (e == nullptr || e->start != p) return false;
    seals::verify(*e);
    return e->is_chunk();
  }
  /// How often a chunk was given back to storage, where that is counted. Any thread.
  std::uint64_t drops() const noexcept { return drop_counter::count(); }

  /// The chunk or huge block that `p` points into; one of null if there is none. Reads nothing behind `p`. Complexity:
  /// O(1) for chunks and for what points into a huge block's first chunk-sized piece; else linear in the index.
  extent find(void const* p) const noexcept;

  /// Effects: gives cached chunks back to storage. Returns: bytes.
  std::size_t drop_cached() noexcept;
  /// Effects: gives cached chunks, and an index grown too large, back to storage. Returns: bytes.
  std::size_t trim() noexcept { return drop_cached() + index_.trim(*storage_, book_); }
  /// Effects: storage may take the memory behind these pages back; their contents are lost. Returns: whether it did.
  bool purge(void* first, std::size_t bytes) noexcept { return storage_->purge(first, bytes); }
  /// Returns: memory for the engine's own use, whole OS pages, charged; null if there is none. Kept until it is given
  /// back: the source does not remember it.
  void* take_record(std::size_t bytes, admission& asked) noexcept;
  void give_record(void* record, std::size_t bytes) noexcept;
  static std::size_t record_bytes(std::size_t bytes) noexcept { return huge_size(bytes); }

  /// Effects: all chunks in use are put aside, whoever owns them, and all huge blocks given back.
  void release() noexcept;
  /// Effects: tells the cache policy that a request has ended. Gives back cached chunks beyond the average.
  void end_request() noexcept;

  template <class Visit> void for_each_huge(Visit visit) const {
    index_.for_each([&](extent const& e) {
      if (!e.is_chunk()) visit(e);
    });
  }
  void verify(void const* heap) const noexcept;

private:
  void* take_extent(std::size_t bytes, std::size_t alignment, std::size_t& reserve, admission& asked) noexcept;
  void give_extent(void* block, std::size_t bytes, std::size_t reserve) noexcept;
  void drop(chunk_type* c) noexcept;
  /// Takes a chunk out of the cache. Requires: there is one.
  chunk_type* pop_cached() noexcept {
    chunk_type* const c = cached_.pop();
    if constexpr (checks_chunks<Geometry>) {
      chunk_type const* const next = cached_.top();
      bool const is_cached = next != nullptr && has_chunk(next) && next->owner == nullptr;
      check(cached_.count() != 0 ? is_cached : next == nullptr, "the link of a cached chunk is to another", c, this);
    }
    return c;
  }
  void insert_extent(extent e) noexcept {
    seals::write(e);
    index_.insert(e);
  }

  /// `bytes` as storage wants them: whole OS pages. 0 if there is no such number.
  static std::size_t huge_size(std::size_t bytes) noexcept { return align_up(bytes, os_page_size()); }

  /// Address space for a block of `size` bytes of which more is known than that it keeps its size.
  static std::size_t reserve_for(std::size_t size, growth expected) noexcept {
    return expected == growth::guarded ? size + os_page_size() : growth_reserve(size);
  }
  /// Address space for a block of `size` bytes that grows. Requires: size is no more than half of what there is.
  static std::size_t growth_reserve(std::size_t size) noexcept {
    std::size_t const least = std::size_t{1} << 30, factor = 16;
    if (size > ~std::size_t{0} / 2 / factor) return size;
    return size * factor > least ? size * factor : least;
  }

  storage* storage_;
  ledger book_;
  chunk_stack<Geometry> cached_;
  chunk_policy policy_;
  std::size_t chunks_ = 0;  ///< in use
  std::size_t huge_bytes_ = 0;
  std::size_t record_bytes_ = 0;
  std::uint64_t next_number_ = 0;
  address_index<Geometry> index_;
};

}}}  // namespace zmm::detail

#include <zmm/chunk/chunk_source_chunks.hpp>
#include <zmm/chunk/chunk_source_huge.hpp>
