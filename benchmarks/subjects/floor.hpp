// The floor of pmr: a resource that returns a constant and does nothing. It measures the virtual call alone.
#pragma once

#include "subject.hpp"

namespace bench {

class floor_resource final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t, std::size_t) override { return block_; }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(std::pmr::memory_resource const& other) const noexcept override { return this == &other; }

  alignas(64) static inline unsigned char block_[1 << 16];
};

struct floor_pmr : behind_pmr<floor_resource, false> {
  static constexpr char const* name = "floor";
};

}  // namespace bench
