// Where chunks and huge blocks come from and go to: storage, the limit, the cache, and the index of all that was taken.
//
//     take_chunk ─ chunk_stack::pop, or storage::allocate
//     give_chunk ─ chunk_policy::keeps, keep_policy::keeps ─ chunk_stack::push, or storage::deallocate
//     take_huge, give_huge ─ kept_list, or storage (chunk_source_kept.hpp)
//     resize_huge, move_huge ─ storage
//     slack of a huge block: chunk_source_slack.hpp
#pragma once

#include <zmm/base/annotate.hpp>
#include <zmm/chunk/address_index.hpp>
#include <zmm/chunk/checked_geometry.hpp>
#include <zmm/chunk/chunk_cache.hpp>
#include <zmm/chunk/chunk_verify.hpp>
#include <zmm/chunk/keep_policy.hpp>
#include <zmm/chunk/kept_list.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Chunks that were ever taken from storage, by all heaps.
ZMM_SHARED inline detail::atomic<std::size_t> chunks_ever{0};

/// Counts chunks that went back to storage, and runs whose pages did, for checked engines. Written by one thread at a time, read by any.
template <bool Counts> class drop_count {
public:
  std::uint64_t count() const noexcept { return 0; }
  void add() noexcept {}
};
template <> class drop_count<true> {
public:
  // Relaxed: a thread that frees a block got it from one for which its chunk was there, so it sees all earlier drops.
  std::uint64_t count() const noexcept { return count_.load(detail::memory_order_relaxed); }
  void add() noexcept { count_.store(count() + 1, detail::memory_order_relaxed); }

private:
  detail::atomic<std::uint64_t> count_{1};
};

/// Invariants:
///     book.real_size == (chunks + cached) * chunk_bytes + bytes of huge blocks, in use and kept, of their slack, of the
///         address index and of records
///     a chunk has an owner if it is in use, and none if it is cached
///     the index holds every chunk in use or cached, every huge block in use or kept, and nothing else; look-ups of
///     huge blocks find only those in use
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
  /// Effects: as the ledger's set_limit(); what is kept is given back if that helps.
  bool set_limit(std::size_t bytes) noexcept {
    return book_.set_limit(bytes) || (drop_cached() != 0 && book_.set_limit(bytes));
  }
  std::size_t real_size() const noexcept { return book_.real_size(); }
  std::size_t chunks() const noexcept { return chunks_; }
  std::size_t cached_chunks() const noexcept { return cached_.count(); }
  std::size_t huge_blocks() const noexcept { return index_.count() - chunks_ - cached_.count() - kept_.count(); }
  std::size_t huge_bytes() const noexcept { return huge_bytes_; }
  /// Bytes of empty chunks, of freed huge blocks and behind others that are kept for reuse.
  std::size_t kept_bytes() const noexcept {
    return cached_.count() * Geometry::chunk_bytes + kept_.bytes() + slack_bytes_;
  }

  /// Returns: a chunk without a block in it, now in use by `owner`.
  chunk_type* take_chunk(void* owner, admission& asked) noexcept;
  /// Effects: a chunk is no longer in use; it is cached or given back. Requires: all its pages are free. Returns: bytes
  /// given back to storage.
  std::size_t give_chunk(chunk_type* c) noexcept;
  /// Effects: a chunk is no longer in use, whatever lies in it; it is cached. end_request() decides whether it stays.
  void put_aside(chunk_type* c) noexcept;
  /// Effects: every page but the header's is free, as in a chunk whose pages were all given back. Dirty pages stay
  /// marked.
  static void format(chunk_type* c) noexcept;

  /// Returns: a block with a mapping of its own, aligned to `alignment` and to the chunk size, perhaps somewhat larger
  /// than asked for; one that grows has address space ahead of it, if there is any. Requires: alignment is a power of
  /// two.
  void* take_huge(std::size_t bytes, std::size_t alignment, std::size_t tag, admission& asked) noexcept;
  /// Effects: a huge block is free: kept or given back. Returns: its bytes. A block that is not of this source goes to the
  /// stop handler.
  std::size_t give_huge(void* block) noexcept;
  /// Effects: resizes a huge block in place to `bytes` rounded up to the OS page. Returns: the bytes it has then; 0:
  /// storage or the limit refused.
  std::size_t resize_huge(void* block, std::size_t bytes, admission& asked) noexcept;
  /// Effects: resizes a huge block, moving its pages if needed. Returns: its new place; null if storage cannot.
  void* move_huge(void* block, std::size_t bytes, std::size_t alignment, admission& asked) noexcept;
  /// Whether runs of so many pages, of 100 KiB or more each, would fill less than 95 % of a chunk of their own.
  static constexpr bool packs_badly(std::size_t pages) noexcept {
    std::size_t const least_bytes = 100 * 1024;
    return pages <= usable_pages<Geometry> && pages * Geometry::page_bytes >= least_bytes &&
           usable_pages<Geometry> / pages * pages * 20 < Geometry::pages * 19;
  }
  /// Whether such a run, if it finds no room, should become a huge block. Under a limit it should: the limit counts
  /// whole chunks, and of a chunk with blocks of 1 MiB only half could be used. Without a limit the idle part of a
  /// chunk is only address space, and mappings are scarcer than that. Requires: packs_badly(pages).
  bool may_map_apart(std::size_t pages) const noexcept {
    std::size_t const bytes = pages * Geometry::page_bytes;
    return book_.limit() != ledger::no_limit && huge_blocks() < most_apart && huge_size(bytes) - bytes <= bytes / 16;
  }
  /// Requires: the block is of this source.
  void retag_huge(void* block, std::size_t tag) noexcept {
    extent* const e = index_.find(block);
    if (e == nullptr) __builtin_unreachable();
    e->tag += tag - e->number();
  }
  /// The huge block that starts at `block`; an empty extent if there is none. Does not read what `block` points to.
  extent find_huge(void const* block) const noexcept {
    extent const* const e = index_.find(block);
    if (e == nullptr || e->start != block || !e->is_huge()) return extent{};
    seals::verify(*e);
    return *e;
  }
  /// Effects: all huge blocks are free.
  void release_huge() noexcept;

  /// Whether a chunk of this source, in use or cached, starts at `p`. Does not read what `p` points to.
  bool has_chunk(void const* p) const noexcept {
    extent const* const e = index_.find(p);
    if (e == nullptr || e->start != p) return false;
    seals::verify(*e);
    return e->is_chunk();
  }
  /// How often a chunk was given back to storage, where that is counted. Any thread.
  std::uint64_t drops() const noexcept { return drop_counter::count(); }
  void note_drop() noexcept { drop_counter::add(); }

  /// The chunk or huge block that `p` points into; an empty extent if there is none. Does not read what `p` points to.
  /// Complexity: O(1) for chunks and for what points into a huge block's first chunk-sized piece; else linear in the
  /// index.
  extent find(void const* p) const noexcept;

  /// Effects: gives kept huge blocks and cached chunks back to storage, and slack, until these are `at_least` bytes or
  /// all. Returns: bytes.
  std::size_t drop_cached(std::size_t at_least = ~std::size_t{0}) noexcept;
  /// Effects: gives what is kept, and an index grown too large, back to storage. Returns: bytes.
  std::size_t trim() noexcept { return drop_cached() + index_.trim(*storage_, book_); }
  /// Effects: counts a run of slots that is opened; now and then what was not used for long goes back to storage.
  void tick() noexcept {
    if (keeping_.tick(1)) end_window();
  }
  /// Effects: allows `bytes` that are about to be given back to be kept.
  void expect(std::size_t bytes) noexcept { keeping_.expect(kept_bytes() + bytes); }
  /// Effects: storage may take the memory behind these pages back; their contents are lost. Returns: whether it did.
  bool purge(void* first, std::size_t bytes) noexcept { return storage_->purge(first, bytes); }
  /// Returns: memory for the engine's own use, whole OS pages, charged; null if there is none. The caller has to give
  /// it back: the source does not remember it.
  void* take_record(std::size_t bytes, admission& asked) noexcept;
  void give_record(void* record, std::size_t bytes) noexcept;
  static std::size_t record_bytes(std::size_t bytes) noexcept { return huge_size(bytes); }

  /// Effects: puts all chunks in use aside, whoever owns them, and frees all huge blocks.
  void release() noexcept;
  /// Effects: tells the cache policies that a request has ended. Gives back what they do not keep.
  void end_request() noexcept;

  template <class Visit> void for_each_huge(Visit visit) const {
    index_.for_each([&](extent const& e) {
      if (e.is_huge()) visit(e);
    });
  }
  void verify(void const* heap) const noexcept;

private:
  void* take_extent(std::size_t bytes, std::size_t alignment, std::size_t& reserve, admission& asked) noexcept;
  void* try_extent(std::size_t bytes, std::size_t alignment, std::size_t& reserve, admission& asked) noexcept;
  void give_extent(void* block, std::size_t bytes, std::size_t reserve) noexcept;
  void drop(chunk_type* c) noexcept;

  void keep_huge(extent& e) noexcept;
  void keep_again(extent& e) noexcept;
  extent* kept_extent(kept_block const* k) const noexcept;
  extent* unlink_kept(kept_block* k) noexcept;
  static bool suits(kept_block const& k, std::size_t size, std::size_t alignment, admission const& asked) noexcept;
  kept_block* find_kept(std::size_t size, std::size_t alignment, admission const& asked) const noexcept;
  void* reuse_huge(std::size_t size, std::size_t alignment, std::size_t tag, admission& asked) noexcept;
  void* cut_kept(extent& e, std::size_t size) noexcept;
  void* enlarge_kept(extent& e, std::size_t size, std::size_t alignment, admission& asked) noexcept;
  std::size_t drop_kept() noexcept;
  void trade_idle() noexcept;
  std::size_t drop_unused_kept() noexcept;
  bool admits(std::size_t bytes, admission& asked) noexcept;
  static std::size_t slack_of(extent const& e) noexcept;
  void set_slack(extent& e, std::size_t bytes) noexcept;
  bool leave_slack(extent& e, std::size_t size) noexcept;
  extent join_slack(extent& e) noexcept;
  std::size_t give_with_slack(extent& e) noexcept;
  void part_again(extent& e, extent const& before) noexcept;
  std::size_t drop_slack(std::size_t at_least) noexcept;
  void end_window() noexcept;
  void start_window(std::size_t unused) noexcept;
  void verify_kept(void const* heap) const noexcept;

  std::size_t used_bytes() const noexcept { return chunks_ * Geometry::chunk_bytes + huge_bytes_; }
  /// A chunk or huge block is about to be given back. Only now, before it leaves, can use be at its highest. Returns:
  /// used_bytes().
  std::size_t note_give() noexcept {
    std::size_t const used = used_bytes();
    keeping_.on_use(used);
    if (keeping_.tick(keep_policy::whole_event)) end_window();
    return used;
  }
  bool keeps(std::size_t bytes) const noexcept { return keeping_.keeps(bytes, used_bytes(), kept_bytes()); }
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

  /// `bytes` rounded up to whole OS pages. 0 if that overflows.
  static std::size_t huge_size(std::size_t bytes) noexcept { return align_up(bytes, os_page_size()); }

  /// Address space for a block of `size` bytes that grows, or is followed by a guard page.
  static std::size_t reserve_for(std::size_t size, growth expected) noexcept {
    return expected == growth::guarded ? size + os_page_size() : growth_reserve(size);
  }
  /// Address space for a block of `size` bytes that grows. Requires: size is at most half of the address space.
  static std::size_t growth_reserve(std::size_t size) noexcept {
    std::size_t const factor = 16;
    if (size > ~std::size_t{0} / 2 / factor) return size;
    return size * factor > least_ahead ? size * factor : least_ahead;
  }

  static constexpr std::size_t most_apart = 16384;  ///< of the some 65,000 mappings that Linux allows a process

  storage* storage_;
  ledger book_;
  chunk_stack<Geometry> cached_;
  kept_list kept_;
  chunk_policy policy_;
  keep_policy keeping_;
  std::size_t chunks_ = 0;  ///< in use
  std::size_t huge_bytes_ = 0;
  std::size_t slack_bytes_ = 0;
  std::size_t least_slack_ = 0;  ///< in this window
  std::size_t record_bytes_ = 0;
  address_index<Geometry> index_;
};

}}}  // namespace zmm::detail

#include <zmm/chunk/chunk_source_chunks.hpp>
#include <zmm/chunk/chunk_source_huge.hpp>
#include <zmm/chunk/chunk_source_kept.hpp>
#include <zmm/chunk/chunk_source_slack.hpp>
