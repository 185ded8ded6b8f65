// The Boost face: an engine behind boost::container::pmr::memory_resource, which Boost.JSON uses too. Needs Boost's
// headers, no Boost library. Not part of zmm.hpp.
#pragma once

#include <zmm/heap/heap.hpp>
#include <zmm/heap/request_heap.hpp>

#include <boost/container/pmr/memory_resource.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// A view of an engine, which outlives it. Two views are equal only if they are one: pass the same view to containers
/// that are to exchange memory. Throws what the engine throws, which is std::bad_alloc, not Boost's.
///
///     zmm::request_resource request;
///     zmm::boost_resource<zmm::request_heap> view{request.heap()};
///     boost::json::value document = boost::json::parse(text, &view);
template <class Heap> class boost_resource final : public boost::container::pmr::memory_resource {
public:
  explicit boost_resource(Heap& of) noexcept : heap_(&of) {}

  Heap& heap() const noexcept { return *heap_; }

private:
  /// Boost.JSON 1.81, when it abandons a parse, frees an object's key with alignment 16 that it took with 1. The two
  /// would lead to different bins, so whatever is aligned to less is aligned to 16 here, on both ways.
  static std::size_t at_least_16(std::size_t alignment) noexcept { return alignment < 16 ? 16 : alignment; }

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return heap_->allocate(bytes, at_least_16(alignment));
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    heap_->deallocate_nonnull(block, bytes, at_least_16(alignment));
  }
  bool do_is_equal(boost::container::pmr::memory_resource const& other) const noexcept override {
    return this == &other;
  }

  Heap* heap_;
};

}}  // namespace zmm
