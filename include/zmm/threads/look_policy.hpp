// When a shared heap looks for runs that have become empty.
#pragma once

#include <zmm/base/system.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A look walks all free slots: several times what their frees cost, where they came in no order. So a look is for memory
/// that is left behind in bulk; anything less waits until the heap has to grow, which looks first. The first look is due
/// when half of what is carved is free and that much has come back; another one when three quarters are free, and half of
/// what was live at the last one: the last blocks of a load keep runs that are otherwise empty.
///
/// Where memory is soon used again a look is work for nothing. So if the heap has grown by a quarter since the last look,
/// and that was less than a second ago, no pages go back to the system, and a small heap does not look either.
class look_policy {
public:
  /// Slots of `bytes` were freed, or taken again.
  void came_back(std::size_t bytes) noexcept {
    returned_ += bytes;
    free_bytes_ += bytes;
  }
  void found(std::size_t bytes) noexcept { free_bytes_ += bytes; }  ///< slots that were free without being counted
  void went(std::size_t bytes) noexcept { free_bytes_ -= free_bytes_ < bytes ? free_bytes_ : bytes; }

  /// Whether begin() should be asked. `spare_chunks`: the heap has more of them than a small one.
  bool is_due(std::size_t carved, bool spare_chunks) const noexcept {
    std::size_t const half = carved / 2, live = live_of(carved);
    if (returned_ >= half && live <= half && half >= least) return true;
    return live_at_look_ != 0 && live <= live_at_look_ / 2 && live <= half / 2 && spare_chunks;
  }
  /// Returns: whether to look. Effects: if not, half of what is carved has to come back before the next question.
  ZMM_COLD bool begin(std::size_t carved) noexcept {
    if (carved / 5 > carved_after_look_ / 4) {
      std::uint64_t const now = host::moment();
      gives_pages_ = now - last_look_ >= 1000000000;  // nanoseconds; so it is, too, when the clock was set back
      returned_ = live_at_look_ = 0;
      if (!gives_pages_ && free_bytes_ < always_worth_it) return false;
      last_look_ = now;
    }
    live_at_look_ = live_of(carved);
    return true;
  }
  bool gives_pages() const noexcept { return gives_pages_; }
  void end(std::size_t carved) noexcept { carved_after_look_ = carved; }

  /// Slots of `bytes` became pages, by a look or otherwise; `carved` are left.
  void collected(std::size_t bytes, std::size_t carved) noexcept {
    returned_ = 0;
    went(bytes);
    if (free_bytes_ > carved) free_bytes_ = carved;  // some became pages without being told
  }
  /// Effects: all slots are gone.
  void forget() noexcept { returned_ = free_bytes_ = live_at_look_ = 0; }

  static constexpr std::size_t least = std::size_t{4} << 20;             ///< bytes
  static constexpr std::size_t always_worth_it = std::size_t{64} << 20;  ///< bytes

private:
  std::size_t live_of(std::size_t carved) const noexcept { return free_bytes_ < carved ? carved - free_bytes_ : 0; }

  std::size_t returned_ = 0;    ///< bytes of slots that came back since the last collection
  std::size_t free_bytes_ = 0;  ///< about how many bytes of slots are on the heap's lists
  std::size_t live_at_look_ = 0, carved_after_look_ = 0;
  std::uint64_t last_look_ = 0;  ///< when the clock was last asked and the heap did look; nanoseconds
  bool gives_pages_ = false;
};

}}}  // namespace zmm::detail
