// How much memory that is not in use is worth keeping.
#pragma once

#include <zmm/base/bits.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Learns from what keeping would have saved. What was given back to storage and is soon taken from it again was given
/// back too early: from then on as many bytes more are *allowed* to be kept. What was kept for a whole *window* and not
/// used is given back, and is no longer allowed. So memory that comes and goes stays after a few times, memory that was
/// needed once goes back at once, and memory that is no longer needed goes back within two windows.
///
/// Invariant: what is in use and what is kept together pass the highest use of this window and the last one by no more
/// than a quarter, except for what the end of a request put aside.
/// A window is counted in events of the heap, for there is no clock and no thread: one for each run of slots that is
/// opened, `whole_event` for each chunk or huge block that is freed.
class keep_policy {
public:
  static constexpr std::uint32_t window = 16384;
  static constexpr std::uint32_t whole_event = 32;

  /// Counts an event. Returns: whether it ends the window; then end_window().
  bool tick(std::uint32_t events) noexcept {
    events_ += events;
    return ZMM_UNLIKELY(events_ >= window);
  }
  void on_use(std::size_t in_use) noexcept { peak_ = in_use > peak_ ? in_use : peak_; }
  /// Storage gave `bytes`, while `in_use` bytes were in use.
  void on_take(std::size_t bytes, std::size_t in_use) noexcept {
    on_use(in_use);
    std::size_t const regretted = bytes < given_ ? bytes : given_;
    given_ -= regretted;
    allowed_ += regretted;
    if (allowed_ > most()) allowed_ = most();
  }
  void on_give(std::size_t bytes) noexcept { given_ += bytes; }
  /// `bytes` went back to storage because nobody used them while a chunk was filled. That is not to be regretted.
  void on_idle(std::size_t bytes) noexcept { allowed_ -= bytes < allowed_ ? bytes : allowed_; }
  /// Effects: allows `bytes` in all to be kept: they are about to be needed.
  void expect(std::size_t bytes) noexcept { allowed_ = bytes > allowed_ ? bytes : allowed_; }

  bool keeps(std::size_t bytes, std::size_t in_use, std::size_t kept) const noexcept {
    return kept + bytes <= allowed_ && in_use + kept + bytes <= most();
  }
  std::size_t allowed() const noexcept { return allowed_; }

  /// Effects: `unused` bytes of what is kept were not needed since the last window ended.
  void end_window(std::size_t unused, std::size_t in_use) noexcept {
    allowed_ -= unused < allowed_ ? unused : allowed_;
    given_ /= 2;
    last_peak_ = peak_;
    peak_ = in_use;
    events_ = 0;
  }

private:
  std::size_t most() const noexcept {
    std::size_t const peak = peak_ > last_peak_ ? peak_ : last_peak_;
    return peak + peak / 4;
  }

  std::size_t allowed_ = 0;
  std::size_t given_ = 0;  ///< back to storage lately
  std::size_t peak_ = 0;   ///< highest bytes in use of this window
  std::size_t last_peak_ = 0;
  std::uint32_t events_ = 0;
};

}}}  // namespace zmm::detail
