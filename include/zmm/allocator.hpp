// The typed face: an STL allocator over an engine, without a virtual call.
#pragma once

#include <zmm/errors.hpp>
#include <zmm/heap/heap.hpp>
#include <zmm/heap/request_heap.hpp>
#include <zmm/heap/thread_heap.hpp>

#include <type_traits>

namespace zmm { inline namespace ZMM_ABI {

/// Refers to an engine, which outlives every container that uses it. Of the size of a pointer; copies refer to the same
/// engine; allocators of any types are equal if their engines are one.
///
///     zmm::heap h;
///     std::vector<int, zmm::allocator<int, zmm::heap>> v{h};
///
/// Propagates on move assignment and on swap, which so stay O(1) and never throw, and not on copy assignment: a copy's
/// elements live where their container does.
template <class T, class Heap> class allocator {
  static_assert(!std::is_same_v<Heap, thread_heap>,
                "zmm::allocator<T> without a heap needs zmm::thread_heap, which is not built yet: name a heap, as in "
                "zmm::allocator<T, zmm::heap>{h}");

public:
  using value_type = T;
  using pointer = T*;
  using const_pointer = T const*;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using propagate_on_container_copy_assignment = std::false_type;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  using is_always_equal = std::false_type;
  template <class U> struct rebind { using other = allocator<U, Heap>; };

  allocator(Heap& from) noexcept : heap_(&from) {}
  template <class U> allocator(allocator<U, Heap> const& other) noexcept : heap_(&other.heap()) {}

  Heap& heap() const noexcept { return *heap_; }

  /// Returns: room for `n` objects of type T. Throws: std::bad_array_new_length if n * sizeof(T) overflows; as the
  /// engine's allocate().
  [[nodiscard]] ZMM_INLINE T* allocate(size_type n) {
    if (ZMM_UNLIKELY(n > max_size())) detail::throw_bad_array_new_length();
    return static_cast<T*>(heap_->allocate(n * sizeof(T), alignof(T)));
  }

  /// Requires: `p` came from allocate(n) of an allocator equal to this one; it is not null.
  ZMM_INLINE void deallocate(T* p, size_type n) noexcept { heap_->deallocate_nonnull(p, n * sizeof(T), alignof(T)); }

  size_type max_size() const noexcept { return static_cast<size_type>(PTRDIFF_MAX) / sizeof(T); }
  allocator select_on_container_copy_construction() const noexcept { return *this; }

private:
  Heap* heap_;
};

template <class T, class U, class Heap>
bool operator==(allocator<T, Heap> const& a, allocator<U, Heap> const& b) noexcept {
  return &a.heap() == &b.heap();
}
template <class T, class U, class Heap>
bool operator!=(allocator<T, Heap> const& a, allocator<U, Heap> const& b) noexcept {
  return &a.heap() != &b.heap();
}

}}  // namespace zmm
