// A ring buffer from one thread to another. Blocks become visible to the other side 32 at a time, so that the ring itself
// costs little.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

#include "crew.hpp"

namespace bench {

class pipe {
public:
  static constexpr std::size_t places = 1024;
  static constexpr std::size_t step = 32;

  void send(void* block) noexcept {
    if (sent_ - seen_taken_ == places) {
      show();
      for (patience p; sent_ - (seen_taken_ = taken_.load(std::memory_order_acquire)) == places;) p.wait();
    }
    ring_[sent_++ % places] = block;
    if (sent_ % step == 0) show();
  }
  void show() noexcept { shown_.store(sent_, std::memory_order_release); }

  void* receive() noexcept {
    if (seen_shown_ == received_) {
      taken_.store(received_, std::memory_order_release);
      for (patience p; (seen_shown_ = shown_.load(std::memory_order_acquire)) == received_;) p.wait();
    }
    void* const block = ring_[received_++ % places];
    if (received_ % step == 0) taken_.store(received_, std::memory_order_release);
    return block;
  }

private:
  std::array<void*, places> ring_{};
  alignas(64) std::size_t sent_ = 0;  // the sender's
  std::size_t seen_taken_ = 0;
  alignas(64) std::atomic<std::size_t> shown_{0};
  alignas(64) std::size_t received_ = 0;  // the receiver's
  std::size_t seen_shown_ = 0;
  alignas(64) std::atomic<std::size_t> taken_{0};
};

}  // namespace bench
