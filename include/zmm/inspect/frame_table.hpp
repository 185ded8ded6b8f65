// The frames of a profile's stacks, each numbered once.
#pragma once
#include <zmm/watch/block_table.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Stacks of one program share most of their frames: so each is described once in a file, and not once a stack.
class frame_table {
public:
  /// Effects: gives the address a number, if it has none. Returns: false: there is no memory.
  bool add(std::uintptr_t address) noexcept {
    if (2 * (count_ + 1) > slots_.capacity() && !grow()) return false;
    std::uint32_t& slot = slots_[slot_of(address)];
    if (slot != 0) return true;
    if (count_ == frames_.capacity() && !frames_.grow([this](std::uintptr_t const* old, std::size_t) {
          for (std::size_t i = 0; i < count_; ++i) frames_[i] = old[i];
        }))
      return false;
    frames_[count_] = address;
    slot = static_cast<std::uint32_t>(++count_);
    return true;
  }
  std::size_t size() const noexcept { return count_; }
  std::uintptr_t operator[](std::size_t number) const noexcept { return frames_[number]; }
  /// The number of an address that was added.
  std::size_t number(std::uintptr_t address) const noexcept {
    std::uint32_t const slot = count_ != 0 ? slots_[slot_of(address)] : 0;
    return slot != 0 ? slot - 1 : 0;
  }

private:
  std::size_t slot_of(std::uintptr_t address) const noexcept {
    std::size_t i = static_cast<std::size_t>(std::uint64_t{address} * 0x9E3779B97F4A7C15U >> 32) % slots_.capacity();
    while (slots_[i] != 0 && frames_[slots_[i] - 1] != address) i = (i + 1) % slots_.capacity();
    return i;
  }
  bool grow() noexcept {
    return slots_.grow([this](std::uint32_t const*, std::size_t) {
      for (std::uint32_t i = 0; i < count_; ++i) slots_[slot_of(frames_[i])] = i + 1;
    });
  }

  os_array<std::uint32_t> slots_;  ///< a number and 1; 0: empty. At most half full.
  os_array<std::uintptr_t> frames_;
  std::size_t count_ = 0;
};

}}}  // namespace zmm::detail
