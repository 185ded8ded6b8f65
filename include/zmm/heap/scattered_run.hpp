// A run whose slots are handed out in no order that can be foretold.
#pragma once

#include <zmm/base/compiler.hpp>

#include <cstddef>
#include <cstdint>

namespace zmm { inline namespace ZMM_ABI { namespace detail {
/// Handed out from a random slot on, with a random stride: where the next block lies is not foretold by the last one.
class scattered_run {
public:
  bool empty() const noexcept { return left_ == 0; }
  std::size_t left(std::size_t /*slot_bytes*/) const noexcept { return left_; }
  bool is_whole(std::size_t /*slot_bytes*/) const noexcept { return left_ <= slots_; }
  char* place() const noexcept { return run_; }
  bool contains(void const* slot, std::size_t slot_bytes) const noexcept {
    std::uint32_t at = next_;
    for (std::uint32_t i = 0; i < left_; ++i, at = after(at)) {
      if (run_ + at * slot_bytes == slot) return true;
    }
    return false;
  }

  ZMM_INLINE char* take(std::size_t slot_bytes) noexcept {
    char* const slot = run_ + next_ * slot_bytes;
    next_ = after(next_);
    --left_;
    return slot;
  }
  void open(void* run, std::size_t /*slot_bytes*/, std::size_t slots, std::uint64_t random) noexcept {
    run_ = static_cast<char*>(run);
    slots_ = left_ = static_cast<std::uint32_t>(slots);
    next_ = static_cast<std::uint32_t>((random >> 32) * slots / (std::uint64_t{1} << 32));
    // A prime goes round all slots unless it divides their number. Of the usual numbers none of these does.
    constexpr std::uint32_t primes[] = {11, 13, 19, 23, 29, 31, 37, 41};
    std::uint32_t const prime = primes[random >> 29 & 7];
    stride_ = slots_ % prime != 0 ? prime % slots_ : 1;
  }
  void close() noexcept { left_ = 0; }

private:
  std::uint32_t after(std::uint32_t at) const noexcept {
    return at + stride_ < slots_ ? at + stride_ : at + stride_ - slots_;
  }

  char* run_ = nullptr;
  std::uint32_t slots_ = 0, next_ = 0, stride_ = 0, left_ = 0;
};

}}}  // namespace zmm::detail
