// The bridge from std::pmr to Boost.JSON, which knows only Boost's own memory_resource.
#pragma once

#include <boost/container/pmr/memory_resource.hpp>

#include <cstddef>
#include <memory_resource>

namespace shop {

/// Hands every call on to a std::pmr::memory_resource. All four arenas reach Boost.JSON through this one class, so that
/// none of them pays for a bridge that the others do not have. (A program that uses zmm alone would take
/// zmm::boost_resource, which saves one virtual call.)
class boost_view final : public boost::container::pmr::memory_resource {
public:
  explicit boost_view(std::pmr::memory_resource* memory) noexcept : memory_(memory) {}

private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override { return memory_->allocate(bytes, alignment); }
  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    memory_->deallocate(p, bytes, alignment);
  }
  bool do_is_equal(boost::container::pmr::memory_resource const& other) const noexcept override {
    return this == &other;
  }

  std::pmr::memory_resource* memory_;
};

}  // namespace shop
