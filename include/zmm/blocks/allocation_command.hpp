// Boost.Container's allocation command, in bytes: grow or shrink a block where it is, or take a new one.
//
//     run_command
//        ├─ shrink_block ─ Heap::resize_in_place
//        └─ grow_block ─ expand ─ Heap::resize_in_place, Heap::grow_backward
//              └─ take_new ─ Heap::allocate | try_allocate
#pragma once

#include <zmm/base/size_classes.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Boost's `allocation_type` flags; a test holds them equal.
namespace command_flag {
inline constexpr unsigned allocate_new = 1;          ///< a new block will do
inline constexpr unsigned expand_fwd = 2;            ///< the block may grow at its end
inline constexpr unsigned expand_bwd = 4;            ///< or at its front, in engines that can
inline constexpr unsigned shrink_in_place = 8;       ///< give the tail back; never moves
inline constexpr unsigned nothrow_allocation = 16;   ///< null where it would throw
inline constexpr unsigned zero_memory = 32;          ///< a new block is filled with zero
inline constexpr unsigned try_shrink_in_place = 64;  ///< asks what shrinking would give; never granted
}  // namespace command_flag

/// One command. `least` and `preferred` are multiples of `unit`, the size of an object.
struct block_command {
  unsigned flags;
  void* block;  ///< to be grown or shrunk; may be null
  std::size_t least;
  std::size_t preferred;
  std::size_t unit;
  std::size_t alignment;

  bool asks(unsigned flag) const noexcept { return (flags & flag) != 0; }
};

/// What a command led to: a block and its usable bytes. Null: refused, and nothing changed.
struct block_grant {
  void* block = nullptr;
  std::size_t bytes = 0;
  bool is_new = false;  ///< false: it is the block that was to be resized, whose start may have moved to the front
};

/// In engines that free by size, blocks of up to this size lie in slots: no change in place crosses it.
template <class Heap, class = void> inline constexpr std::size_t slot_limit = small_limit;
template <class Heap>
inline constexpr std::size_t slot_limit<Heap, decltype(static_cast<void>(Heap::slot_limit))> = Heap::slot_limit;

/// Whether the engine's blocks can grow at their front.
template <class Heap, class = void> inline constexpr bool grows_backward = false;
template <class Heap>
inline constexpr bool grows_backward<Heap, decltype(static_cast<void>(&Heap::grow_backward))> = true;

/// The bytes that may be used of a block just taken. A free with any size from `bytes` to that must find the kind of
/// block that it is, so a block that is paged only because of its alignment keeps to its small size.
template <class Heap>
std::size_t granted_bytes(Heap const& heap, void const* block, std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t const usable = heap.usable_size(block, bytes, alignment);
  return bytes <= slot_limit<Heap> && usable > slot_limit<Heap> ? bytes : usable;
}

/// Grows the block at its end, or else, where the engine can, at its front by whole objects: the caller then moves the
/// contents.
template <class Heap>
block_grant expand(Heap& heap, block_command const& c, std::size_t least, std::size_t preferred) noexcept {
  if (c.asks(command_flag::expand_fwd)) {
    std::size_t const bytes = heap.resize_in_place(c.block, unknown_size, least, preferred);
    if (bytes != 0) return {c.block, bytes};
  }
  if constexpr (grows_backward<Heap>) {
    void* const start =
        c.asks(command_flag::expand_bwd) ? heap.grow_backward(c.block, least, preferred, c.unit) : nullptr;
    if (start != nullptr) return {start, heap.usable_size(start)};
  }
  return {};
}

template <class Heap> block_grant take_new(Heap& heap, block_command const& c, std::size_t bytes, bool may_throw) {
  void* block = nullptr;
  if (c.block != nullptr && bytes > small_limit && bytes > slot_limit<Heap>) {
    block = may_throw ? heap.allocate_growing(bytes, c.alignment) : heap.try_allocate_growing(bytes, c.alignment);
  } else {
    typename Heap::site const unknown{};
    block = may_throw ? heap.allocate(bytes, c.alignment, unknown) : heap.try_allocate(bytes, c.alignment, unknown);
  }
  if (block == nullptr) return {};
  if (c.asks(command_flag::zero_memory)) zero_bytes(block, bytes);
  return {block, granted_bytes(heap, block, bytes, c.alignment), true};
}

inline constexpr std::size_t enough_spare = 64 * 1024;

/// Tries in turn: in place with an eighth of `least`, or 64 KiB, to spare; a new block of `preferred` bytes; in place
/// with `least` bytes; a new block of `least` bytes.
template <class Heap> block_grant grow_block(Heap& heap, block_command const& c) {
  constexpr unsigned ends = command_flag::expand_fwd | (grows_backward<Heap> ? command_flag::expand_bwd : 0U);
  bool const in_place = c.block != nullptr && c.asks(ends) && !c.asks(command_flag::zero_memory);
  bool const is_new = c.asks(command_flag::allocate_new);
  bool const may_throw = !c.asks(command_flag::nothrow_allocation);
  if (in_place) {
    std::size_t const spare = c.least + (c.least / 8 < enough_spare ? c.least / 8 : enough_spare);
    bool const keeps_spare = is_new && spare < c.preferred;
    if (block_grant const g = expand(heap, c, is_new ? (keeps_spare ? spare : c.preferred) : c.least, c.preferred);
        g.block != nullptr)
      return g;
  }
  if (!is_new) return {};
  if (c.least == c.preferred) return take_new(heap, c, c.least, may_throw);
  if (block_grant const g = take_new(heap, c, c.preferred, false); g.block != nullptr) return g;
  if (in_place) {
    if (block_grant const g = expand(heap, c, c.least, c.preferred); g.block != nullptr) return g;
  }
  return take_new(heap, c, c.least, may_throw);
}

/// `least` is the size now, `preferred` the size wanted. A paged block keeps enough bytes to stay paged.
template <class Heap> block_grant shrink_block(Heap& heap, block_command const& c) noexcept {
  if (c.block == nullptr) return {};
  std::size_t wanted = c.preferred;
  if (c.least > slot_limit<Heap> && wanted <= slot_limit<Heap>) wanted = (slot_limit<Heap> / c.unit + 1) * c.unit;
  if (wanted > c.least) return {};
  std::size_t const bytes = heap.resize_in_place(c.block, c.least, wanted, wanted);
  return bytes != 0 ? block_grant{c.block, bytes < c.least ? bytes : c.least} : block_grant{};
}

template <class Heap> block_grant run_command(Heap& heap, block_command const& c) {
  if (c.asks(command_flag::shrink_in_place)) return shrink_block(heap, c);
  if (c.asks(command_flag::try_shrink_in_place)) return {};
  return grow_block(heap, c);
}

}}}  // namespace zmm::detail
