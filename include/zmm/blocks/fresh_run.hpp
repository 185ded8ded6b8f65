// The part of a bin's newest run that was neither handed out nor listed.
#pragma once

#include <zmm/base/size_classes.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Handed out in the order of addresses. [at, end): whole slots. Those in [at, stop) are handed out one by one; at the stop its
/// owner settles how to go on (slots_ahead.hpp).
class bump_run {
public:
  bool empty() const noexcept { return at_ == end_; }
  /// Whether no slot may be handed out one by one: it is at its stop, or empty.
  bool is_stopped() const noexcept { return at_ >= stop_; }
  /// Effects: it stops once the next `count` slots are taken.
  void stop_after(std::size_t slot_bytes, std::size_t count) noexcept {
    if (count * slot_bytes < distance(at_, end_)) stop_ = at_ + count * slot_bytes;
  }
  /// Effects: it does not stop before its end.
  void run_on() noexcept { stop_ = end_; }
  std::size_t left(std::size_t slot_bytes) const noexcept { return distance(at_, end_) / slot_bytes; }
  bool is_whole(std::size_t slot_bytes) const noexcept { return distance(at_, end_) % slot_bytes == 0; }
  /// A slot of it. Requires: not empty.
  char* place() const noexcept { return at_; }
  bool contains(void const* slot, std::size_t /*slot_bytes*/) const noexcept { return slot >= at_ && slot < end_; }

  ZMM_INLINE char* take(std::size_t slot_bytes) noexcept {
    char* const slot = at_;
    at_ += slot_bytes;
    return slot;
  }
  /// The first of `count` slots, one behind the other. Requires: there are as many.
  char* take_many(std::size_t slot_bytes, std::size_t count) noexcept { return take(slot_bytes * count); }
  void open(void* run, bin_index bin, std::size_t slots, std::uint64_t /*random*/) noexcept {
    at_ = static_cast<char*>(run);
    stop_ = end_ = at_ + slots * slot_bytes(bin);
  }
  void close() noexcept { at_ = stop_ = end_ = nullptr; }
  /// Tells that the pages of the run at `run` go back. Here nothing is known of what was handed out, so nothing is forgotten.
  static void note_gone(void const* /*run*/) noexcept {}

private:
  char* at_ = nullptr;
  char* stop_ = nullptr;  ///< not behind the end
  char* end_ = nullptr;
};

}}}  // namespace zmm::detail
