// How much a request takes from its upstream.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory_resource>

namespace shop {

/// Counts the bytes asked for, and calls new and delete. Only for counting passes: timed ones use new and delete directly.
class counting_resource final : public std::pmr::memory_resource {
public:
  std::size_t live() const noexcept { return live_; }
  std::size_t peak() const noexcept { return peak_; }
  void reset_peak() noexcept { peak_ = live_; }

private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* const p = std::pmr::new_delete_resource()->allocate(bytes, alignment);
    live_ += bytes;
    peak_ = std::max(peak_, live_);
    return p;
  }
  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    live_ -= bytes;
    std::pmr::new_delete_resource()->deallocate(p, bytes, alignment);
  }
  bool do_is_equal(std::pmr::memory_resource const& other) const noexcept override { return this == &other; }

  std::size_t live_ = 0;
  std::size_t peak_ = 0;
};

}  // namespace shop
