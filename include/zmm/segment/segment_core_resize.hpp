// How the segment heap's blocks change size: at the end, at the front, alone in a segment.
#pragma once

#include <zmm/segment/segment_core.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Makes a block in use at least `least` long, and `most` if there is room. Returns: whether it could; if not, nothing
/// has changed.
template <class Options>
bool segment_core<Options>::resize(heap_block* b, std::size_t least, std::size_t most, admission& asked) noexcept {
  std::size_t const word = words_.load(b), now = size_in(word);
  if (is_alone(b, now)) return resize_alone(b, now, least, most, asked);
  if (most > now) {
    heap_block* const behind = b->at(now);
    std::size_t const w = words_.load(behind);
    std::size_t const all = (w & block_flag::used) == 0 ? now + size_in(w) : now;
    if (all < least) return false;
    if (all == now) return true;
    unfile(behind, w);
    words_.erase(behind);
    words_.store(b, all | (word & block_flag::all));
    set_flag(b->at(all), block_flag::before_used);
    cut_tail(b, most < all ? most : all);
  } else if (now - most >= least_block) {
    words_.store(b, most | (word & block_flag::all));
    heap_block* const tail = b->at(most);
    words_.store(tail, (now - most) | block_flag::used | block_flag::before_used);
    words_.wipe(tail, now - most);
    free_block(tail);
  }
  return true;
}

/// The same for a block alone in its segment, which storage lengthens or shortens. What storage does not take back
/// stays the block's.
template <class Options>
bool segment_core<Options>::resize_alone(heap_block* b, std::size_t now, std::size_t least, std::size_t most,
                                         admission& asked) noexcept {
  segment* const s = segment_of(b);
  std::size_t const wanted = segment_source::bytes_for(most), needed = segment_source::bytes_for(least);
  if (wanted > s->bytes) {
    if (!source_.extend(s, wanted, asked) && (needed <= s->bytes || !source_.extend(s, needed, asked)))
      return least <= now;
  } else if (wanted < s->bytes) {
    if (!source_.truncate(s, wanted)) return true;
  } else {
    return true;
  }
  format(s);
  return true;
}

template <class Options>
std::size_t segment_core<Options>::resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                                   std::size_t preferred_bytes, admission& asked) noexcept {
  if (min_bytes > largest_block) return 0;
  if (preferred_bytes > largest_block) preferred_bytes = min_bytes;
  heap_block* const b = words_.named(block);
  std::size_t const before = counted(b);
  auto const live = words_.begin_resize(b, old_bytes);
  if (!resize(b, size_for(min_bytes), size_for(preferred_bytes), asked)) return words_.revive(b, live), 0;
  words_.revive_resized(b, live);
  note_resized(before, b);
  return counted(b);
}

/// Makes the block at least `min_bytes` long, better `preferred_bytes`, by moving its start to a lower address, by a
/// multiple of `unit` bytes, and its end to a higher one if there is room. Returns: its new start; null: it could not,
/// and nothing has changed. What lies between the old start and the old end stays as it is. Requires: unit is a
/// multiple of every alignment that the block has to keep.
template <class Options>
void* segment_core<Options>::grow_backward(void* block, std::size_t min_bytes, std::size_t preferred_bytes,
                                           std::size_t unit) noexcept {
  if (preferred_bytes > largest_block) return nullptr;
  heap_block* const b = words_.named(block);
  std::size_t const word = words_.load(b), now = size_in(word);
  if ((word & block_flag::before_used) != 0) return nullptr;
  heap_block* const front = free_before(b);
  std::size_t const front_word = words_.load(front), before = size_in(front_word);
  heap_block* const behind = b->at(now);
  std::size_t const behind_word = words_.load(behind);
  std::size_t const forward = (behind_word & block_flag::used) == 0 ? size_in(behind_word) : 0;

  // Grows to the front as little as will do. What is left there is enough for a block, or nothing.
  std::size_t const step = align_up(unit, block_grain) == unit ? unit : unit * (block_grain >> lowest_bit(unit));
  std::size_t const wanted = size_for(preferred_bytes), least = size_for(min_bytes);
  std::size_t const missing = wanted > now + forward ? wanted - now - forward : step;
  std::size_t steps = divide_up(missing, step);
  if (steps > before / step) steps = before / step;
  if (steps != 0 && before != steps * step && before - steps * step < least_block) --steps;
  if (steps == 0 || now + forward + steps * step < least) return nullptr;

  auto const live = words_.begin_resize(b, unknown_size);
  unfile(front, front_word);
  if (forward != 0) {
    unfile(behind, behind_word);
    words_.erase(behind);
    set_flag(b->at(now + forward), block_flag::before_used);
  }
  words_.erase(b);
  std::size_t const left = before - steps * step;
  heap_block* const start = front->at(left);
  words_.store(start, (steps * step + now + forward) | block_flag::used | block_flag::before_used);
  if (left != 0) make_free(front, left, (front_word & block_flag::guard) != 0);
  std::size_t const kept = steps * step + now;  // up to the old end
  cut_tail(start, wanted < kept ? kept : wanted);
  words_.revive_resized(start, live);
  note_resized(now - overhead, start);
  return start->payload();
}

/// For reallocate(). Returns: the block's place: the old one, or where storage moved its pages; null: neither could be
/// done.
template <class Options>
void* segment_core<Options>::resize_or_move(void* block, std::size_t bytes, std::size_t alignment,
                                            admission& asked) noexcept {
  if (bytes > largest_block) return asked.refuse_address();
  heap_block* b = words_.named(block);
  std::size_t const size = size_for(bytes), now = size_of(b);
  auto const live = words_.begin_resize(b, unknown_size);
  bool done = is_aligned(block, alignment) && resize(b, size, size, asked);
  if (!done && alignment <= segment_source::alignment && is_alone(b, now) &&
      segment_source::bytes_for(size) > standard_bytes()) {
    segment* const s = segment_of(b);
    words_.erase(guard_of(s));
    segment* const moved = source_.move(s, segment_source::bytes_for(size), asked);
    done = moved != nullptr;
    b = format(done ? moved : s);
  }
  if (!done) return words_.revive(b, live), nullptr;
  note_resized(now - overhead, b);
  return hand_out(b, bytes, alignment);
}

template <class Options>
bool segment_core<Options>::stay(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  heap_block* const b = words_.named(block);
  if (bytes > counted(b) || !is_aligned(block, alignment)) return false;
  words_.begin_resize(b, unknown_size);
  hand_out(b, bytes, alignment);
  return true;
}

}}}  // namespace zmm::detail
