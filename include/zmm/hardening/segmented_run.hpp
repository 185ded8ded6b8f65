// A run whose slots are handed out in an order that cannot be predicted, or are zeroed first, or both.
#pragma once

#include <zmm/base/size_classes.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// As bump_run. The run is used segment by segment, in the order of addresses. A segment has a power of two of slots,
/// about 1 KiB, or fewer at the run's end; so few cache lines are in use at a time.
///
/// With `Scattered` a segment is handed out from a random slot on and with a random odd stride, both drawn anew for each:
/// so the place of one block does not foretell that of the next. With `Zeroed` a slot holds nothing from before the
/// last release() when it is handed out. Segments of small slots are zeroed when they are opened, because one long
/// store costs less than many short ones; larger slots are zeroed one by one, because many runs are not used to their
/// end.
template <bool Scattered, bool Zeroed> class segmented_run {
public:
  bool empty() const noexcept { return left_ == 0; }
  bool is_stopped() const noexcept { return left_ <= stop_; }
  void stop_after(std::size_t /*slot_bytes*/, std::size_t count) noexcept {
    if (count < left_) stop_ = left_ - static_cast<std::uint32_t>(count);
  }
  void run_on() noexcept { stop_ = 0; }
  std::size_t left(std::size_t /*slot_bytes*/) const noexcept { return left_; }
  bool is_whole(std::size_t /*slot_bytes*/) const noexcept { return segment_left_ <= left_; }
  /// A byte of the run. Requires: not empty.
  char* place() const noexcept { return segment_; }
  bool contains(void const* slot, std::size_t slot_bytes) const noexcept {
    char const* const behind = segment_ + segment_slots_ * slot_bytes;
    if (slot >= behind) return slot < behind + (left_ - segment_left_) * slot_bytes;
    std::uint32_t at = next_;
    for (std::uint32_t i = 0; i < segment_left_; ++i, at = after(at)) {
      if (segment_ + at * slot_bytes == slot) return true;
    }
    return false;
  }

  ZMM_INLINE char* take(std::size_t slot_bytes) noexcept {
    if (ZMM_UNLIKELY(segment_left_ == 0)) open_segment(slot_bytes);
    char* const slot = segment_ + next_ * slot_bytes;
    next_ = after(next_);
    --segment_left_;
    --left_;
    if constexpr (Zeroed) {
      if (slot_bytes > largest_together) zero_bytes(slot, opaque(slot_bytes));
    }
    return slot;
  }
  void open(void* run, bin_index, std::size_t slots, std::uint64_t random) noexcept {
    segment_ = static_cast<char*>(run);
    left_ = static_cast<std::uint32_t>(slots);
    segment_slots_ = segment_left_ = 0;
    stop_ = 0;
    random_ = static_cast<std::uint32_t>(random >> 32);
  }
  void close() noexcept { left_ = segment_left_ = 0; }
  static void note_gone(void const* /*run*/) noexcept {}

private:
  static constexpr std::size_t segment_bytes = 1024;
  static constexpr std::size_t largest_together = 128;  ///< bytes of slots that are zeroed together
  static constexpr std::size_t fewest = 4;              ///< slots of a segment, if there are as many

  ZMM_NOINLINE void open_segment(std::size_t slot_bytes) noexcept {
    segment_ += segment_slots_ * slot_bytes;
    std::size_t const fit = segment_bytes / slot_bytes, most = fit < fewest ? fewest : fit;
    segment_slots_ = static_cast<std::uint16_t>(std::size_t{1} << highest_bit(most < left_ ? most : left_));
    segment_left_ = segment_slots_;
    if constexpr (Zeroed) {
      if (slot_bytes <= largest_together) zero_bytes(segment_, opaque(segment_slots_ * slot_bytes));
    }
    if constexpr (Scattered) {
      random_ = random_ * 747796405 + 2891336453;
      next_ = static_cast<std::uint16_t>((random_ >> 24) & (segment_slots_ - 1U));
      stride_ = static_cast<std::uint16_t>((random_ >> 16) | 1);
    } else {
      next_ = 0;
    }
  }
  std::uint16_t after(std::uint32_t at) const noexcept {
    return static_cast<std::uint16_t>((at + (Scattered ? stride_ : 1U)) & (segment_slots_ - 1U));
  }

  char* segment_ = nullptr;
  std::uint32_t left_ = 0;  ///< slots of the run, the open segment's included
  std::uint32_t stop_ = 0;  ///< slots that are left where it is stopped
  std::uint32_t random_ = 0;
  std::uint16_t segment_slots_ = 0, segment_left_ = 0, next_ = 0, stride_ = 1;
};

}}}  // namespace zmm::detail
