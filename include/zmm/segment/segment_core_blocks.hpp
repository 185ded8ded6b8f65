// The segment heap's misses: pools, splitting, joining, segments.
#pragma once

#include <zmm/segment/segment_core.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Options>
ZMM_NOINLINE void* segment_core<Options>::attempt(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
  if (bytes > largest_block || alignment > largest_block) return asked.refuse_address();
  if (void* const block = pop(bytes, alignment)) return block;
  source_.tick();
  bool const moves_up = alignment > block_grain;
  std::size_t const size = size_for(bytes);
  std::size_t const room = moves_up ? size + alignment + least_block : size;
  heap_block* b = find(room);
  if (b != nullptr && !moves_up && cut_rest(b, size)) return hand_out(b, bytes, alignment);
  if (b != nullptr) take_off(b, words_.load(b));
  if (b == nullptr && cache_.bytes() >= room && join_cached() != 0) b = take_free(room);
  if (b == nullptr) b = take_segment(room, !moves_up, asked);
  if (b == nullptr) return nullptr;
  if (moves_up) b = cut_front(b, alignment);
  if (moves_up || !is_alone(b, size_of(b))) cut_tail(b, size);
  return hand_out(b, bytes, alignment);
}

/// A free block of at least `size`, in the order of the pools. It stays where it is.
template <class Options> heap_block* segment_core<Options>::find(std::size_t size) const noexcept {
  if (is_bucketed(size)) {
    if (heap_block* const b = free_buckets_.find(size, words_)) return b;
  }
  if (heap_block* const b = large_free_buckets_.find(size, words_)) return b;
  return rest_buckets_.find(size, words_);
}

/// The most common way of serving a size that was not freed before: cuts the block off the front of a rest, and what is
/// left stays a rest. Returns: whether it did; if not, the block is still free.
template <class Options> bool segment_core<Options>::cut_rest(heap_block* b, std::size_t size) noexcept {
  std::size_t const word = words_.load(b), left = size_in(word) - size;
  if ((word & block_flag::guard) == 0 || is_bucketed(left) || (reserve_ == nullptr && Options::reserve_bytes != 0))
    return false;
  heap_block* const tail = b->at(size);
  rest_buckets_.replace(b, tail, words_);
  words_.wipe_links(b, size_in(word));
  words_.store(b, size | block_flag::used | block_flag::before_used);
  words_.store(tail, left | block_flag::before_used | block_flag::guard);
  last_word(tail, left) = left;
  free_bytes_ -= size;
  return true;
}

/// As find(), and the block is in use from now on, at its whole length.
template <class Options> heap_block* segment_core<Options>::take_free(std::size_t size) noexcept {
  heap_block* const b = find(size);
  if (b != nullptr) take_off(b, words_.load(b));
  return b;
}
template <class Options> void segment_core<Options>::take_off(heap_block* b, std::size_t word) noexcept {
  unfile(b, word);
  words_.store(b, size_in(word) | block_flag::used | block_flag::before_used);
  set_flag(b->at(size_in(word)), block_flag::before_used);
}

/// The one block of a new segment, in use. A request too large for a usual segment gets a segment of its own.
/// `is_whole`: the segment is to hold nothing but the block, so it may have address space to grow into.
template <class Options>
heap_block* segment_core<Options>::take_segment(std::size_t room, bool is_whole, admission& asked) noexcept {
  std::size_t const least = segment_source::bytes_for(room);
  if (least <= standard_bytes()) {
    segment* const s = source_.take_some(least, usual_bytes(room), asked);
    return s != nullptr ? format(s) : nullptr;
  }
  std::size_t reserve = least;
  if (is_whole && asked.growth == growth::known) {
    std::size_t const factor = 16;
    if (least <= largest_block / factor) reserve = least * factor > least_ahead ? least * factor : least_ahead;
  } else if (is_whole && asked.growth == growth::guarded) {
    reserve = least + os_page_size();
  }
  segment* const s = source_.take(least, reserve, asked);
  return s != nullptr ? format(s) : nullptr;
}
/// Bytes of a segment for blocks like one of `room` bytes. A limit counts whole segments. So under a limit a segment
/// ends behind the last such block, if more than a twentieth of it would be left over: a usual segment holds one block
/// of 128 KiB. Without a limit the remainder is only address space, and room for other sizes.
template <class Options> std::size_t segment_core<Options>::usual_bytes(std::size_t room) const noexcept {
  std::size_t const usual = standard_bytes();
  if (source_.book().limit() == ledger::no_limit) return usual;
  std::size_t const filled = segment_source::bytes_for((usual - segment_overhead) / room * room);
  return filled < usual - usual / 20 ? filled : usual;
}
template <class Options> heap_block* segment_core<Options>::format(segment* s) noexcept {
  heap_block* const b = first_of(s);
  words_.store(b, (s->bytes - segment_overhead) | block_flag::used | block_flag::before_used);
  write_guard(s);
  return b;
}

/// Frees the front of a block, so that the rest is aligned. Requires: there is room for that.
template <class Options> heap_block* segment_core<Options>::cut_front(heap_block* b, std::size_t alignment) noexcept {
  std::size_t const size = size_of(b);
  std::uintptr_t at = align_up(address_of(b->payload()), alignment);
  if (at != address_of(b->payload()) && at - address_of(b->payload()) < least_block) at += alignment;
  std::size_t const front = at - address_of(b->payload());
  if (front == 0) return b;
  heap_block* const aligned = b->at(front);
  words_.store(aligned, (size - front) | block_flag::used);
  make_free(b, front, true);
  return aligned;
}

/// Frees what lies behind the first `size` bytes, if that is enough for a block. If there is no reserve, the end of a
/// large tail becomes it. Requires: the block behind is in use.
template <class Options> void segment_core<Options>::cut_tail(heap_block* b, std::size_t size) noexcept {
  std::size_t const word = words_.load(b);
  if (size_in(word) < size + least_block) return;
  std::size_t left = size_in(word) - size;
  words_.store(b, size | (word & block_flag::all));
  heap_block* const tail = b->at(size);
  if (ZMM_UNLIKELY(reserve_ == nullptr && Options::reserve_bytes != 0 && left >= 4 * reserve_size)) {
    left -= reserve_size;
    reserve_ = tail->at(left);
    words_.store(reserve_, reserve_size | block_flag::used);
  }
  make_free(tail, left, true);
}

/// Effects: writes the words that say that a block is free, and counts its bytes.
template <class Options>
ZMM_INLINE void segment_core<Options>::write_free(heap_block* b, std::size_t size, std::size_t rest) noexcept {
  words_.store(b, size | block_flag::before_used | rest);
  last_word(b, size) = size;
  heap_block* const behind = b->at(size);
  words_.store(behind, words_.load(behind) & ~block_flag::before_used);
  free_bytes_ += size;
}
/// Effects: marks a block that is in no pool as free, and puts it into its pool. Requires: its neighbours are in use.
template <class Options> void segment_core<Options>::make_free(heap_block* b, std::size_t size, bool is_rest) noexcept {
  is_rest = is_rest && !is_bucketed(size);
  write_free(b, size, is_rest ? block_flag::guard : 0);
  if (is_bucketed(size)) return free_buckets_.insert(b, size, words_);
  if (is_rest) {
    b = rest_buckets_.insert(b);
    if (b == nullptr) return;
    size = size_of(b);
    words_.store(b, size | block_flag::before_used);
  }
  static_cast<trie_block*>(b)->is_purged = 0;
  large_free_buckets_.insert(b, size, words_);
}
/// Effects: takes a free block out of its pool.
template <class Options> void segment_core<Options>::unfile(heap_block* b, std::size_t word) noexcept {
  std::size_t const size = size_in(word);
  free_bytes_ -= size;
  if (b == spare_) {
    allow(b, size);
    spare_ = nullptr;
  }
  if (is_bucketed(size)) free_buckets_.remove(b, size, words_);
  else if ((word & block_flag::guard) != 0) rest_buckets_.remove(b, words_);
  else large_free_buckets_.remove(b, size, words_);
  words_.wipe_links(b, size);
}

/// Effects: frees a block in use and joins it with its free neighbours. Returns: bytes of the segment that went back to
/// the source by that, or 0.
template <class Options> ZMM_NOINLINE std::size_t segment_core<Options>::free_block(heap_block* b) noexcept {
  std::size_t const word = words_.load(b), own = size_in(word);
  heap_block* const behind = b->at(own);
  std::size_t const behind_word = words_.load(behind);
  std::size_t const after = (behind_word & block_flag::used) == 0 ? size_in(behind_word) : 0;
  heap_block* const front = (word & block_flag::before_used) == 0 ? free_before(b) : nullptr;
  std::size_t const front_word = front != nullptr ? words_.load(front) : 0, before = size_in(front_word);
  heap_block* const start = front != nullptr ? front : b;
  std::size_t const size = before + own + after;
  bool const is_empty = spans(start, size);

  // The joined block takes the place of one of the neighbours in its pool, if it can.
  bool const stays_front = front != nullptr && !is_empty && stays(front, front_word, size);
  bool const stays_behind = front == nullptr && !is_empty && after != 0 && (behind_word & block_flag::guard) != 0;
  if (stays_behind) {
    rest_buckets_.replace(behind, b, words_);
    words_.wipe_links(behind, after);
  } else if (after != 0) {
    unfile(behind, behind_word);
  }
  if (after != 0) words_.erase(behind);
  if (front != nullptr) {
    if (!stays_front) unfile(front, front_word);
    else if constexpr (Options::zero_on_free) last_word(front, before) = 0;  // it lies inside the joined block now
    words_.erase(b);
  }
  if (ZMM_UNLIKELY(is_empty)) return empty_segment(start, size);
  if (stays_front || stays_behind) {
    std::size_t const rest = (stays_front ? front_word : behind_word) & block_flag::guard;
    free_bytes_ -= stays_front ? before : after;
    write_free(start, size, rest);
    if (rest == 0) static_cast<trie_block*>(start)->is_purged = 0;
  } else {
    make_free(start, size, ((front_word | (after != 0 ? behind_word : 0)) & block_flag::guard) != 0);
  }
  if (ZMM_UNLIKELY(reserve_ != nullptr && (start->at(size) == reserve_ || reserve_->at(reserve_size) == start)))
    settle_reserve(start, size);
  return 0;
}

/// The free block in front. Requires: there is one.
template <class Options> heap_block* segment_core<Options>::free_before(heap_block* b) const noexcept {
  auto const before = static_cast<std::size_t>(b->before(word_bytes)->word);
  heap_block* const front = words_.follow(b->before(before));
  std::size_t const w = words_.load(front);
  if (ZMM_UNLIKELY(size_in(w) != before || (w & block_flag::used) != 0))
    words_.stop_at("the size of a free block stands at both its ends", b);
  return front;
}

/// Whether a free block may become one of `size` bytes without changing its place in its pool.
template <class Options>
bool segment_core<Options>::stays(heap_block* b, std::size_t word, std::size_t size) const noexcept {
  if ((word & block_flag::guard) != 0) return true;
  std::size_t const now = size_in(word);
  return !is_bucketed(now) && trie_of(now) == trie_of(size) && large_free_buckets_.stays(b, now, size, words_);
}

/// Effects: keeps a segment whose one block is unused and in no pool as the spare, or gives it back to the source.
/// Returns: bytes given back.
template <class Options>
std::size_t segment_core<Options>::empty_segment(heap_block* first, std::size_t size) noexcept {
  std::size_t const bytes = size + segment_overhead;
  if (spare_ != nullptr || bytes > standard_bytes()) return source_.give(segment_of(first));
  make_spare(first, size);
  return 0;
}
/// Effects: makes a block that fills its segment and is in no pool the spare. Nothing may use its memory meanwhile.
template <class Options> void segment_core<Options>::make_spare(heap_block* b, std::size_t size) noexcept {
  make_free(b, size, false);
  if (!is_bucketed(size)) forbid(static_cast<trie_block*>(b) + 1, size - sizeof(trie_block) - word_bytes);
  spare_ = b;
}

/// Frees the reserve if nothing else is in use in its segment, so that it does not keep the segment. Requires: it lies
/// beside the free block `b`.
template <class Options> void segment_core<Options>::settle_reserve(heap_block* b, std::size_t size) noexcept {
  std::size_t all = size + reserve_size;
  heap_block* first = b;
  if (b->at(size) == reserve_) {
    std::size_t const w = words_.load(reserve_->at(reserve_size));
    if ((w & block_flag::used) == 0) all += size_in(w);
  } else {
    first = reserve_;
    if ((words_.load(reserve_) & block_flag::before_used) == 0) {
      first = free_before(reserve_);
      all += size_of(first);
    }
  }
  if (spans(first, all)) open_reserve();
}

}}}  // namespace zmm::detail
