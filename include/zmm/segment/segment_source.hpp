// Segments from storage: taken, kept, given back, made longer and shorter, charged and listed.
//
//     take ─ reuse (segment_source_kept.hpp), or storage
//     give ─ keep_policy::keeps ─ kept_list, or storage
//     tick ─ (a window ends) end_window
//     admits, take ─ (limit or storage refuses) drop_kept
#pragma once

#include <zmm/base/annotate.hpp>
#include <zmm/base/checks.hpp>
#include <zmm/chunk/admission.hpp>
#include <zmm/chunk/keep_policy.hpp>
#include <zmm/chunk/kept_list.hpp>
#include <zmm/segment/segment_index.hpp>
#include <zmm/storage/os_page.hpp>
#include <zmm/storage/storage.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Asks storage for whole OS pages, and for no more alignment than any storage has.
/// Invariants: real_size == bytes of all segments, in use and kept; those in use are on the list and in the index,
/// those kept are in neither.
/// Operations that fail return null or false, change nothing except what is kept, and say why in the admission.
class segment_source {
public:
  static constexpr std::size_t alignment = block_grain;

  /// `wipes`: what was in a kept segment is overwritten before it is used again. `is_exact`: a kept segment that is a
  /// little larger than needed is cut.
  explicit segment_source(storage& from, bool wipes = false, bool is_exact = false) noexcept
      : storage_(&from), wipes_(wipes), is_exact_(is_exact) {}
  segment_source(segment_source const&) = delete;
  segment_source& operator=(segment_source const&) = delete;
  ~segment_source() {
    while (first_ != nullptr) drop(first_);
    drop_kept();
  }

  ledger& book() noexcept { return book_; }
  ledger const& book() const noexcept { return book_; }
  segment_index const& index() const noexcept { return index_; }
  segment* first() const noexcept { return first_; }
  std::size_t count() const noexcept { return count_; }        ///< of segments in use
  std::size_t kept() const noexcept { return kept_.count(); }  ///< segments kept, not in use
  std::size_t kept_bytes() const noexcept { return kept_.bytes(); }
  std::size_t used_bytes() const noexcept { return book_.real_size() - kept_.bytes(); }

  /// Bytes of a segment whose blocks have `room` bytes in all.
  static std::size_t bytes_for(std::size_t room) noexcept { return align_up(room + segment_overhead, os_page_size()); }

  /// Returns: a segment of `most` bytes, or of fewer, down to `least`, if limit or storage have no more left. Both are
  /// whole pages.
  segment* take_some(std::size_t least, std::size_t most, admission& asked) noexcept;
  /// Returns: a segment of `bytes`, or somewhat more, with `reserve` bytes of address space if they are to be had.
  segment* take(std::size_t bytes, std::size_t reserve, admission& asked) noexcept;
  /// Effects: takes a segment out of use, and keeps it or gives it back to storage. Returns: its bytes.
  std::size_t give(segment* s) noexcept;
  /// Effects: takes a segment out of use and gives it back to storage. Returns: its bytes.
  std::size_t drop(segment* s) noexcept;
  /// Effects: gives kept segments back to storage, the longest kept first, until these are `at_least` bytes or all.
  /// Returns: bytes.
  std::size_t drop_kept(std::size_t at_least = ~std::size_t{0}) noexcept;
  /// Effects: counts a request that the cache did not serve; now and then what was not used for long goes back to storage.
  void tick() noexcept {
    if (ZMM_UNLIKELY(++misses_ % misses_an_event == 0) && keeping_.tick(1)) end_window();
  }

  bool extend(segment* s, std::size_t bytes, admission& asked) noexcept {
    if (asked.growth == growth::guarded && bytes + os_page_size() > s->reserve)
      return false;  // the last page is a guard
    if (!admits(bytes - s->bytes, asked)) return false;
    if (!storage_->extend(s, s->bytes, bytes)) {
      asked.refuse_storage(bytes, alignment);
      return false;
    }
    forget_roots(s, s->bytes);
    book_.add(bytes - s->bytes);
    s->bytes = bytes;
    if (s->reserve < bytes) s->reserve = bytes;
    note_roots(s, bytes);
    return true;
  }
  bool truncate(segment* s, std::size_t bytes) noexcept {
    std::size_t const from = s->bytes;
    forget_roots(s, from);
    bool const done = storage_->truncate(s, from, bytes);
    if (done) {
      book_.subtract(from - bytes);
      if (s->reserve == from) s->reserve = bytes;
      s->bytes = bytes;
    }
    note_roots(s, s->bytes);
    return done;
  }
  /// Returns: the segment at its new place, `bytes` long.
  segment* move(segment* s, std::size_t bytes, admission& asked) noexcept {
    std::size_t const from = s->bytes;
    if (s->reserve != from) return nullptr;
    if (bytes > from && !admits(bytes - from, asked)) return nullptr;
    index_.remove(s);
    forget_roots(s, from);
    void* const moved = storage_->move(s, from, bytes, alignment);
    segment* const at = moved != nullptr ? static_cast<segment*>(moved) : s;
    if (moved != nullptr) {
      (at->prev != nullptr ? at->prev->next : first_) = at;
      (at->next != nullptr ? at->next->prev : last_) = at;
      bytes > from ? book_.add(bytes - from) : book_.subtract(from - bytes);
      at->bytes = at->reserve = bytes;
    }
    note_roots(at, at->bytes);
    index_.insert(at);
    return moved != nullptr ? at : nullptr;
  }
  bool purge(void* p, std::size_t bytes) noexcept { return storage_->purge(p, bytes); }
  void verify_kept(void const* heap) const noexcept;

private:
  static constexpr std::uint32_t misses_an_event = 32;  ///< of keep_policy's, one for each run of slots in other heaps

  segment* take_fresh(std::size_t bytes, std::size_t reserve, admission& asked) noexcept;
  segment* put_in_use(void* room, std::size_t bytes, std::size_t reserve) noexcept;
  void put_out_of_use(segment* s) noexcept;
  bool admits(std::size_t bytes, admission& asked) noexcept;
  void keep(void* room, std::size_t bytes, std::size_t reserve) noexcept;
  static bool suits(kept_block const& k, std::size_t size, std::size_t reserve) noexcept;
  segment* reuse(std::size_t bytes, std::size_t reserve, admission& asked) noexcept;
  segment* use_again(kept_block* k, std::size_t held) noexcept;
  bool cut_kept(kept_block* k, std::size_t bytes) noexcept;
  segment* enlarge_kept(kept_block* k, std::size_t bytes, admission& asked) noexcept;
  kept_block* unlink_kept(kept_block* k) noexcept;
  void end_window() noexcept;

  void unlink(segment* s) noexcept {
    segment*& to = s->prev != nullptr ? s->prev->next : first_;
    segment*& back = s->next != nullptr ? s->next->prev : last_;
    check(to == s && back == s, "the neighbours of a segment are linked to it", s, this);
    to = s->next;
    back = s->prev;
  }

  storage* storage_;
  bool wipes_, is_exact_;
  std::uint32_t misses_ = 0;
  ledger book_;
  kept_list kept_;
  keep_policy keeping_;
  segment* first_ = nullptr;
  segment* last_ = nullptr;
  std::size_t count_ = 0;
  segment_index index_;
};

}}}  // namespace zmm::detail

#include <zmm/segment/segment_source_kept.hpp>
