// The part of a bin's newest run that was never handed out.
#pragma once

#include <zmm/base/bits.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Handed out in the order of addresses. [at, end): whole slots.
class bump_run {
public:
  bool empty() const noexcept { return at_ == end_; }
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
  void open(void* run, std::size_t slot_bytes, std::size_t slots, std::uint64_t /*random*/) noexcept {
    at_ = static_cast<char*>(run);
    end_ = at_ + slots * slot_bytes;
  }
  void close() noexcept { at_ = end_ = nullptr; }

private:
  char* at_ = nullptr;
  char* end_ = nullptr;
};

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
