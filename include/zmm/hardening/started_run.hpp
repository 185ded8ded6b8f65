// A run that knows how much of it was handed out, so that most frees need not ask the chunk's map.
#pragma once

#include <zmm/blocks/fresh_run.hpp>
#include <zmm/hardening/slot_starts.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// As bump_run. Most blocks that are freed lie in the newest run of their bin. Of those, the run alone tells that the memory is
/// the heap's, that it was handed out for this bin or listed, which its links tell apart, and that a slot starts there.
class started_run {
public:
  bool empty() const noexcept { return left_ == 0; }
  bool is_stopped() const noexcept { return left_ <= stop_; }
  void stop_after(std::size_t slot_bytes, std::size_t count) noexcept {
    if (count * slot_bytes < left_) stop_ = left_ - static_cast<std::uint32_t>(count * slot_bytes);
  }
  void run_on() noexcept { stop_ = 0; }
  std::size_t left(std::size_t slot_bytes) const noexcept { return left_ / slot_bytes; }
  bool is_whole(std::size_t slot_bytes) const noexcept { return left_ % slot_bytes == 0; }
  char* place() const noexcept { return at_; }
  bool contains(void const* slot, std::size_t /*slot_bytes*/) const noexcept {
    return address_of(slot) - address_of(at_) < left_;
  }
  /// Whether a slot of this bin starts at `block`, in the part of the run that was handed out. Requires: the run is one of
  /// `bin`, or none.
  template <std::size_t PageBytes> ZMM_INLINE bool has_handed_out(void const* block, bin_index bin) const noexcept {
    std::uintptr_t const distance = address_of(at_) - address_of(block);
    return distance - 1 < used_ && slot_starts_for<PageBytes>.is_multiple(bin, distance);
  }

  ZMM_INLINE char* take(std::size_t slot_bytes) noexcept {
    char* const slot = at_;
    at_ += slot_bytes;
    left_ -= static_cast<std::uint32_t>(slot_bytes);
    used_ += static_cast<std::uint32_t>(slot_bytes);
    return slot;
  }
  void open(void* run, bin_index bin, std::size_t slots, std::uint64_t /*random*/) noexcept {
    at_ = static_cast<char*>(run);
    left_ = static_cast<std::uint32_t>(slots * slot_bytes(bin));
    used_ = stop_ = 0;
  }
  void close() noexcept { *this = started_run(); }
  /// Effects: nothing is known of what was handed out before.
  void forget_used() noexcept { used_ = 0; }
  /// Effects: closes the run if it is the one at `run`, whose pages go back.
  void note_gone(void const* run) noexcept {
    if (at_ != nullptr && at_ - used_ == run) close();
  }

private:
  char* at_ = nullptr;
  std::uint32_t left_ = 0;  ///< bytes from there to the run's end: whole slots
  std::uint32_t used_ = 0;  ///< bytes in front of it that are known to be of this run
  std::uint32_t stop_ = 0;  ///< bytes that are left where it is stopped
};

}}}  // namespace zmm::detail
