// What the chunk source keeps though it is not in use: empty chunks and freed huge blocks; how these are used again and
// given back.
//
//     take_huge ─ reuse_huge ─ find_kept
//     give_huge ─ keep_policy::keeps ─ keep_huge
//     note_give ─ (a window ends) end_window ─ drop, drop_kept
//     take_chunk ─ (storage is asked) trade_idle
//     admits, take_extent ─ (limit or storage refuses) drop_cached
#pragma once

#include <zmm/chunk/chunk_source.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Keeps a freed huge block. Nothing may use it meanwhile.
template <class Geometry> void chunk_source<Geometry>::keep_huge(extent& e) noexcept {
  forget_roots(e.start, e.bytes);
  forbid(e.start, e.bytes);
  allow(e.start, sizeof(kept_block));
  kept_.push(::new (e.start) kept_block{nullptr, nullptr, e.bytes, e.reserve});
  e.set_kept(true);
  seals::write(e);
}

/// The index's entry of a kept block. The block's links and sizes lie in its own memory, which may have been written to
/// after the free: where that is checked, the index decides.
template <class Geometry> extent* chunk_source<Geometry>::kept_extent(kept_block const* k) const noexcept {
  extent* const e = index_.find(k);
  if constexpr (checks_chunks<Geometry>) {
    bool const is_kept = e != nullptr && e->start == k && e->is_kept();
    check(is_kept, "a kept huge block is in the address index", k, this);
    seals::verify(*e);
    check(k->bytes == e->usable() && k->reserve == e->reserve, "a freed huge block is as it was left", k, this);
  }
  if (e == nullptr) __builtin_unreachable();  // what is kept has an entry
  return e;
}

/// Effects: takes a block off the list. Returns: its entry.
template <class Geometry> extent* chunk_source<Geometry>::unlink_kept(kept_block* k) noexcept {
  if constexpr (checks_chunks<Geometry>) {
    kept_block* const neighbours[] = {k->next, k->prev};
    for (kept_block* beside : neighbours) {
      if (beside != nullptr) static_cast<void>(kept_extent(beside));
    }
    bool const holds = (k->prev != nullptr ? k->prev->next : kept_.newest()) == k &&
                       (k->next != nullptr ? k->next->prev : kept_.oldest()) == k;
    check(holds, "the neighbours of a kept huge block know it", k, this);
  }
  extent* const e = kept_extent(k);
  kept_.remove(k, e->usable());
  return e;
}

/// Whether a kept block may serve the request: it is aligned, and has as much address space ahead as a fresh one would
/// have.
template <class Geometry>
bool chunk_source<Geometry>::suits(kept_block const& k, std::size_t size, std::size_t alignment,
                                   admission const& asked) noexcept {
  if (!is_aligned(&k, alignment)) return false;
  switch (asked.growth) {
  case growth::known: return k.reserve / 2 >= size && k.reserve > k.bytes + os_page_size();
  case growth::guarded: return k.reserve == k.bytes + os_page_size();
  case growth::none:
  case growth::maybe: break;
  }
  return k.reserve == k.bytes;
}

/// The smallest kept block of at least `size` bytes; if there is none and more may be taken from storage, the largest
/// one of at least half, which can be enlarged. Complexity: a few blocks are looked at.
template <class Geometry>
kept_block* chunk_source<Geometry>::find_kept(std::size_t size, std::size_t alignment,
                                              admission const& asked) const noexcept {
  return kept_.find(size, !asked.at_hand, [&](kept_block const& k) {
    if constexpr (checks_chunks<Geometry>) static_cast<void>(kept_extent(&k));
    return suits(k, size, alignment, asked);
  });
}

/// A kept block, made one of `size` bytes or left up to an eighth larger, which saves a call of storage; a block that
/// will grow may be up to four times as large. Null: there is none, or storage would not change its size.
template <class Geometry>
void* chunk_source<Geometry>::reuse_huge(std::size_t size, std::size_t alignment, std::size_t tag,
                                         admission& asked) noexcept {
  kept_block* const k = find_kept(size, alignment, asked);
  if (k == nullptr) return nullptr;
  extent* e = unlink_kept(k);
  e->set_kept(false);
  std::size_t const held = e->bytes, waste = asked.exact ? 0 : asked.growth == growth::known ? 3 * size : size / 8;
  void* place = k;
  allow(place, held);  // all of it: also what goes back to storage now, or is left behind when pages move
  bool const fits = held == size || (held > size && (held - size <= waste || leave_slack(*e, size)));
  if (!fits) place = held > size ? cut_kept(*e, size) : enlarge_kept(*e, size, alignment, asked);
  if (place == nullptr) {
    keep_again(*e);
    return nullptr;
  }
  if (!fits && held > size) keeping_.on_give(held - size);
  if (place != k) {
    extent moved = *e;
    moved.start = place;
    index_.erase(e);
    index_.insert(moved);
    e = index_.find(place);
  }
  e->tag += tag - e->number();
  seals::write(*e);
  huge_bytes_ += e->bytes;
  note_roots(place, e->bytes);
  zero_bytes(place, sizeof(kept_block));  // the links are addresses, which the caller is not to see
  if constexpr (wipes_huge<Geometry>) zero_bytes(place, held < e->bytes ? held : e->bytes);
  return place;
}

/// Effects: the tail beyond `size` goes back to storage. Returns: the block; null if storage refused.
template <class Geometry> void* chunk_source<Geometry>::cut_kept(extent& e, std::size_t size) noexcept {
  if (!storage_->truncate(e.start, e.bytes, size)) return nullptr;
  book_.subtract(e.bytes - size);
  if (e.reserve == e.bytes) e.reserve = size;
  e.bytes = size;
  return e.start;
}

/// Effects: the block gets `size` bytes, in place or with its pages moved. Returns: its place; null if a limit or
/// storage refused.
template <class Geometry>
void* chunk_source<Geometry>::enlarge_kept(extent& e, std::size_t size, std::size_t alignment,
                                           admission& asked) noexcept {
  std::size_t const more = size - e.bytes;
  if (e.reserve != e.bytes || !book_.admits(more, asked)) return nullptr;
  void* const place =
      storage_->extend(e.start, e.bytes, size) ? e.start : storage_->move(e.start, e.bytes, size, alignment);
  if (place == nullptr) return nullptr;
  book_.add(more);
  keeping_.on_take(more, used_bytes());
  e.bytes = e.reserve = size;
  return place;
}

/// Effects: puts a block that was taken off the list, and not changed, on it again.
template <class Geometry> void chunk_source<Geometry>::keep_again(extent& e) noexcept {
  forbid(e.start, e.bytes);
  allow(e.start, sizeof(kept_block));
  kept_.push(static_cast<kept_block*>(e.start));
  e.set_kept(true);
  seals::write(e);
}

/// Effects: the block that was kept longest goes back to storage. Returns: its bytes. Requires: there is one.
template <class Geometry> std::size_t chunk_source<Geometry>::drop_kept() noexcept {
  extent* const found = unlink_kept(kept_.oldest());
  extent const e = *found;
  index_.erase(found);
  std::size_t const bytes = e.usable();
  book_.subtract(bytes);
  keeping_.on_give(bytes);
  allow(e.start, bytes);
  storage_->deallocate(e.start, bytes, e.reserve);
  return bytes;
}

/// A chunk is about to be taken from storage. Effects: if nobody used what is kept of huge blocks since the last one was,
/// as much of that goes back: a heap with ever more small blocks does not hold the memory of huge ones of the past beside
/// them. Requires: there is a kept block.
template <class Geometry> ZMM_NOINLINE void chunk_source<Geometry>::trade_idle() noexcept {
  constexpr std::size_t wanted = Geometry::chunk_bytes;
  std::size_t const idle = kept_.idle();
  kept_.start_idling();
  if (idle < wanted) return;
  extent& e = *kept_extent(kept_.oldest());
  std::size_t const bytes = e.usable(), left = bytes - wanted;
  if (bytes < 2 * wanted || e.reserve != bytes) return static_cast<void>(bytes <= idle && drop_kept() != 0);
  e.set_kept(false);
  allow(offset(e.start, left), wanted);
  bool const is_cut = cut_kept(e, left) != nullptr;
  is_cut ? kept_.shrink(kept_.oldest(), left) : forbid(offset(e.start, left), wanted);
  if (is_cut) keeping_.on_idle(wanted);
  e.set_kept(true);
  seals::write(e);
}

template <class Geometry> std::size_t chunk_source<Geometry>::drop_cached(std::size_t at_least) noexcept {
  std::size_t bytes = 0;
  while (bytes < at_least && kept_.count() != 0) bytes += drop_kept();
  while (bytes < at_least && !cached_.empty()) {
    drop(pop_cached());
    bytes += Geometry::chunk_bytes;
  }
  return bytes < at_least ? bytes + drop_slack(at_least - bytes) : bytes;
}

/// Whether `bytes` more may be taken. Gives back what is kept, if that makes room for them or the limit is lifted.
template <class Geometry> bool chunk_source<Geometry>::admits(std::size_t bytes, admission& asked) noexcept {
  return book_.admits(bytes, asked, [&](std::size_t missing) {
    if (asked.lifted || missing <= kept_bytes()) drop_cached(missing);
  });
}

/// Effects: gives back what was kept of huge blocks, without being used, during the whole window, in whole blocks.
/// Returns: the bytes that were not used, even if no whole blocks made them up.
template <class Geometry> std::size_t chunk_source<Geometry>::drop_unused_kept() noexcept {
  return kept_.drop_unused([this](kept_block const* k) { return kept_extent(k)->usable(); },
                           [this] { return drop_kept(); });
}

/// Gives back what was kept, without being used, during the whole window.
template <class Geometry> ZMM_COLD void chunk_source<Geometry>::end_window() noexcept {
  std::size_t const chunks = cached_.least();
  for (std::size_t i = 0; i < chunks; ++i) drop(pop_cached());
  std::size_t const huge = drop_unused_kept();
  start_window(chunks * Geometry::chunk_bytes + huge + drop_slack(least_slack_));
}

template <class Geometry> void chunk_source<Geometry>::start_window(std::size_t unused) noexcept {
  keeping_.end_window(unused, used_bytes());
  cached_.start_window();
  kept_.start_window();
  least_slack_ = slack_bytes_;
}

/// Zend's average decides how many chunks stay in the cache when a request ends, and the keep policy how many more.
/// Huge blocks stay if they were used since the last end. Nothing stays beyond the limit.
template <class Geometry> void chunk_source<Geometry>::end_request() noexcept {
  policy_.on_end(chunks_);
  std::size_t const unused = cached_.least() * Geometry::chunk_bytes + drop_unused_kept();
  start_window(unused + drop_slack(least_slack_));
  while (!cached_.empty() && policy_.exceeds(cached_.count()) && kept_bytes() > keeping_.allowed()) drop(pop_cached());
  drop_cached(book_.excess());
}

/// The executable twin of what is kept.
template <class Geometry> void chunk_source<Geometry>::verify_kept(void const* heap) const noexcept {
  std::size_t count = 0, bytes = 0, indexed = 0;
  kept_block* before = nullptr;
  for (kept_block* k = kept_.newest(); k != nullptr && count <= kept_.count(); before = k, k = k->next) {
    extent const* const e = index_.find(k);
    check(e != nullptr && e->start == k && e->is_kept(), "a kept huge block is in the address index", k, heap);
    check(k->bytes == e->usable() && k->reserve == e->reserve, "a freed huge block is as it was left", k, heap);
    check(k->prev == before, "the neighbours of a kept huge block know it", k, heap);
    ++count;
    bytes += k->bytes;
  }
  check(before == kept_.oldest(), "the list of kept blocks ends", before, heap);
  index_.for_each([&](extent const& e) { indexed += e.is_kept(); });
  check(count == kept_.count() && bytes == kept_.bytes() && indexed == count, "kept huge blocks are counted", nullptr,
        heap);
  check(kept_.least() <= kept_.bytes() && cached_.least() <= cached_.count(), "what was never used is kept", nullptr,
        heap);
}

}}}  // namespace zmm::detail
