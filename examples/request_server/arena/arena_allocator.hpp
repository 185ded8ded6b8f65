// The allocator with which Beast's fields, bodies and buffers use a request's memory.
#pragma once

#include <cstddef>
#include <limits>
#include <memory_resource>
#include <new>
#include <type_traits>

namespace shop {

/// Like std::pmr::polymorphic_allocator, with two additions that Beast needs: it can be assigned without throwing, and
/// propagates when its container is moved or swapped.
template <class T> class arena_allocator {
public:
  using value_type = T;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;

  arena_allocator(std::pmr::memory_resource* memory) noexcept : memory_(memory) {}
  template <class U> arena_allocator(arena_allocator<U> const& other) noexcept : memory_(other.resource()) {}

  [[nodiscard]] T* allocate(std::size_t n) {
    if (n > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(memory_->allocate(n * sizeof(T), alignof(T)));
  }
  void deallocate(T* p, std::size_t n) noexcept { memory_->deallocate(p, n * sizeof(T), alignof(T)); }

  std::pmr::memory_resource* resource() const noexcept { return memory_; }

  template <class U> friend bool operator==(arena_allocator const& a, arena_allocator<U> const& b) noexcept {
    return a.resource() == b.resource() || *a.resource() == *b.resource();
  }
  template <class U> friend bool operator!=(arena_allocator const& a, arena_allocator<U> const& b) noexcept {
    return !(a == b);
  }

private:
  std::pmr::memory_resource* memory_;
};

}  // namespace shop
