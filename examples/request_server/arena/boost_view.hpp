// The bridge from std::pmr to Boost.JSON, which knows only Boost's own memory_resource.
#pragma once

#include <boost/container/pmr/memory_resource.hpp>

#include <cstddef>
#include <memory_resource>

namespace shop {

/// Passes every call to a std::pmr::memory_resource. All four arenas serve Boost.JSON through this one class, so that all
/// pay the same for it. (A program that uses only zmm would take zmm::boost_resource, which saves one virtual call.)
///
/// Blocks are aligned to at least max_align_t, whatever is asked. Boost.JSON before 1.92 allocates the key of an object
/// with alignment 1 and, when the text ends or breaks before the key's value, frees it with the default alignment
/// (boostorg/json, pull request 1181). A resource that keeps blocks of different alignments apart must not see that.
class boost_view final : public boost::container::pmr::memory_resource {
public:
  explicit boost_view(std::pmr::memory_resource* memory) noexcept : memory_(memory) {}

private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return memory_->allocate(bytes, at_least_default(alignment));
  }
  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    memory_->deallocate(p, bytes, at_least_default(alignment));
  }
  bool do_is_equal(boost::container::pmr::memory_resource const& other) const noexcept override {
    return this == &other;
  }

  static std::size_t at_least_default(std::size_t alignment) noexcept {
    return alignment > max_align ? alignment : std::size_t{max_align};
  }

  std::pmr::memory_resource* memory_;
};

}  // namespace shop
