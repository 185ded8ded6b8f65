// Segments that are not in use: kept for a while, used again, or given back.
#pragma once

#include <zmm/segment/segment_source.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

inline segment* segment_source::take_some(std::size_t least, std::size_t most, admission& asked) noexcept {
  if (kept_.count() != 0) {
    kept_block* const k =
        kept_.find(least, false, [=](kept_block const& at) { return at.bytes <= most && at.reserve == at.bytes; });
    if (k != nullptr) return use_again(unlink_kept(k), k->bytes);
  }
  std::size_t const left = align_down(book_.remaining() + kept_.bytes(), os_page_size());
  if (!asked.lifted && left < most) most = left > least ? left : least;
  for (;;) {
    if (segment* const s = take_fresh(most, most, asked)) return s;
    if (most == least || asked.why != refusal::storage) return nullptr;
    most = align_down(most / 2, os_page_size());
    if (most < least) most = least;
  }
}

inline segment* segment_source::take(std::size_t bytes, std::size_t reserve, admission& asked) noexcept {
  if (kept_.count() != 0) {
    if (segment* const s = reuse(bytes, reserve, asked)) return s;
  }
  return take_fresh(bytes, reserve, asked);
}

inline segment* segment_source::take_fresh(std::size_t bytes, std::size_t reserve, admission& asked) noexcept {
  if (!admits(bytes, asked)) return nullptr;
  for (;;) {
    void* room = reserve != bytes ? storage_->allocate(bytes, alignment, reserve) : nullptr;
    if (room == nullptr && reserve != bytes) reserve = bytes;
    if (room == nullptr) room = storage_->allocate(bytes, alignment, bytes);
    if (room != nullptr) {
      keeping_.on_take(bytes, used_bytes());
      book_.add(bytes);
      return put_in_use(room, bytes, reserve);
    }
    if (drop_kept() == 0) return asked.refuse_storage(bytes, alignment);
  }
}

inline segment* segment_source::put_in_use(void* room, std::size_t bytes, std::size_t reserve) noexcept {
  note_roots(room, bytes);
  segment* const s = ::new (room) segment{{}, nullptr, last_, {}, nullptr, bytes, reserve};
  (last_ != nullptr ? last_->next : first_) = s;
  last_ = s;
  index_.insert(s);
  ++count_;
  return s;
}
inline void segment_source::put_out_of_use(segment* s) noexcept {
  unlink(s);
  index_.remove(s);
  --count_;
  forget_roots(s, s->bytes);
}

inline std::size_t segment_source::give(segment* s) noexcept {
  keeping_.on_use(used_bytes());  // only now, before a segment leaves, can use be at its highest
  if (keeping_.tick(keep_policy::whole_event)) end_window();
  std::size_t const bytes = s->bytes;
  if (book_.excess() != 0 || !keeping_.keeps(bytes, used_bytes() - bytes, kept_.bytes())) {
    keeping_.on_give(bytes);
    return drop(s);
  }
  std::size_t const reserve = s->reserve;
  put_out_of_use(s);
  keep(s, bytes, reserve);
  return bytes;
}
inline std::size_t segment_source::drop(segment* s) noexcept {
  std::size_t const bytes = s->bytes;
  put_out_of_use(s);
  book_.subtract(bytes);
  storage_->deallocate(s, bytes, s->reserve);
  return bytes;
}

/// Effects: keeps memory that is not in use. Nothing may touch it meanwhile.
inline void segment_source::keep(void* room, std::size_t bytes, std::size_t reserve) noexcept {
  forbid(room, bytes);
  allow(room, sizeof(kept_block));
  kept_.push(::new (room) kept_block{nullptr, nullptr, bytes, reserve});
}
inline kept_block* segment_source::unlink_kept(kept_block* k) noexcept {
  kept_block *const next = k->next, *const prev = k->prev;
  bool const holds =
      (prev != nullptr ? prev->next : kept_.newest()) == k && (next != nullptr ? next->prev : kept_.oldest()) == k;
  check(holds, "the neighbours of a kept segment are linked to it", k, this);
  kept_.remove(k, k->bytes);
  allow(k, k->bytes);
  return k;
}
inline std::size_t segment_source::drop_kept(std::size_t at_least) noexcept {
  std::size_t bytes = 0;
  while (bytes < at_least && kept_.count() != 0) {
    kept_block* const k = unlink_kept(kept_.oldest());
    std::size_t const here = k->bytes;
    book_.subtract(here);
    keeping_.on_give(here);
    storage_->deallocate(k, here, k->reserve);
    bytes += here;
  }
  return bytes;
}

/// Whether `bytes` more may be taken. Gives back what is kept, if that makes room for them or the limit is lifted.
inline bool segment_source::admits(std::size_t bytes, admission& asked) noexcept {
  return book_.admits(bytes, asked, [&](std::size_t missing) {
    if (asked.lifted || missing <= kept_.bytes()) drop_kept(missing);
  });
}

/// Whether a kept segment may serve a request for `size` bytes with `reserve` bytes of address space: it has address
/// space ahead if a fresh one would, and about as much.
inline bool segment_source::suits(kept_block const& k, std::size_t size, std::size_t reserve) noexcept {
  std::size_t const page = os_page_size(), ahead = k.reserve - k.bytes;
  if (reserve == size) return ahead == 0;
  if (reserve == size + page) return ahead >= page && ahead <= size;  // one that was cut has more than a guard page
  return ahead > page && k.reserve / 2 >= size;
}

/// A kept segment, made one of `bytes` or left up to an eighth larger, which saves a call of storage; a segment that
/// will grow may be up to four times as large. Null: there is none, or storage would not change its size.
inline segment* segment_source::reuse(std::size_t bytes, std::size_t reserve, admission& asked) noexcept {
  kept_block* const k = kept_.find(bytes, true, [=](kept_block const& at) { return suits(at, bytes, reserve); });
  if (k == nullptr) return nullptr;
  std::size_t most = bytes;
  if (!is_exact_) most += reserve > bytes + os_page_size() ? 3 * bytes : bytes / 8;
  unlink_kept(k);
  if (k->bytes < bytes) {
    if (segment* const s = enlarge_kept(k, bytes, asked)) return s;
  } else if (k->bytes <= most || cut_kept(k, bytes)) {
    return use_again(k, k->bytes);
  }
  keep(k, k->bytes, k->reserve);
  return nullptr;
}

/// From here on `k` is off the list already. Its first `held` bytes are as their last user left them.
inline segment* segment_source::use_again(kept_block* k, std::size_t held) noexcept {
  std::size_t const bytes = k->bytes, reserve = k->reserve;
  if (wipes_) zero_bytes(k, held);
  return put_in_use(k, bytes, reserve);
}
/// Returns: whether storage took the tail beyond `bytes`.
inline bool segment_source::cut_kept(kept_block* k, std::size_t bytes) noexcept {
  std::size_t const held = k->bytes;
  if (!storage_->truncate(k, held, bytes)) return false;
  book_.subtract(held - bytes);
  keeping_.on_give(held - bytes);
  if (k->reserve == held) k->reserve = bytes;
  k->bytes = bytes;
  return true;
}
/// The segment, in use and `bytes` long, in place or with its pages moved; null: a limit or storage refused.
inline segment* segment_source::enlarge_kept(kept_block* k, std::size_t bytes, admission& asked) noexcept {
  std::size_t const held = k->bytes, more = bytes - held;
  if (k->reserve != held || !admits(more, asked)) return nullptr;
  void* const room = storage_->extend(k, held, bytes) ? k : storage_->move(k, held, bytes, alignment);
  if (room == nullptr) return nullptr;
  keeping_.on_take(more, used_bytes());
  book_.add(more);
  k = static_cast<kept_block*>(room);
  k->bytes = k->reserve = bytes;
  return use_again(k, held);
}

/// Gives back what was kept, without being used, during the whole window.
ZMM_COLD inline void segment_source::end_window() noexcept {
  std::size_t const unused =
      kept_.drop_unused([](kept_block const* k) { return k->bytes; }, [this] { return drop_kept(1); });
  keeping_.end_window(unused, used_bytes());
  kept_.start_window();
}

/// The executable twin of what is kept.
inline void segment_source::verify_kept(void const* heap) const noexcept {
  std::size_t count = 0, bytes = 0;
  kept_block* before = nullptr;
  for (kept_block* k = kept_.newest(); k != nullptr && count <= kept_.count(); before = k, k = k->next) {
    check(k->prev == before, "the neighbours of a kept segment are linked to it", k, heap);
    check(index_.find(k) == nullptr, "a kept segment is nobody's", k, heap);
    ++count;
    bytes += k->bytes;
  }
  check(before == kept_.oldest() && count == kept_.count() && bytes == kept_.bytes(), "kept segments are counted",
        nullptr, heap);
  check(kept_.least() <= kept_.bytes(), "what was never used is kept", nullptr, heap);
}

}}}  // namespace zmm::detail
