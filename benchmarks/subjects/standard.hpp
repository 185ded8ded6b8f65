// The standard library: operator new, and the resources of <memory_resource>.
#pragma once

#include <malloc.h>

#include <memory>
#include <new>

#include "subject.hpp"

namespace bench {

struct new_delete {
  static constexpr char const* name = "new_delete";
  static bool available() { return true; }
  void* allocate(std::size_t n, std::size_t a) {
    return a <= __STDCPP_DEFAULT_NEW_ALIGNMENT__ ? ::operator new(n) : ::operator new (n, std::align_val_t{a});
  }
  void deallocate(void* p, std::size_t n, std::size_t a) {
    if (a <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) {
      ::operator delete(p, n);
    } else {
      ::operator delete (p, n, std::align_val_t{a});
    }
  }
  void trim() noexcept { malloc_trim(0); }
};

struct new_delete_pmr {
  static constexpr char const* name = "new_delete";
  static bool available() { return true; }
  void* allocate(std::size_t n, std::size_t a) { return base_->allocate(n, a); }
  void deallocate(void* p, std::size_t n, std::size_t a) { base_->deallocate(p, n, a); }
  std::pmr::memory_resource* resource() noexcept { return base_; }

private:
  std::pmr::memory_resource* base_ = opaque(std::pmr::new_delete_resource());
};

struct std_pool : behind_pmr<std::pmr::unsynchronized_pool_resource, true> {
  static constexpr char const* name = "std_pool";
};

struct std_synchronized_pool : behind_pmr<std::pmr::synchronized_pool_resource, true> {
  static constexpr char const* name = "std_synchronized_pool";
};

// 8 MiB for every request: allocated and touched before anything is timed, and never given back between requests.
class ready_buffer {
public:
  static constexpr std::size_t bytes = std::size_t{8} << 20;
  ready_buffer() : memory_{new unsigned char[bytes]()} {}
  void* data() noexcept { return memory_.get(); }

private:
  std::unique_ptr<unsigned char[]> memory_;
};

class monotonic_over_ready_buffer : ready_buffer, public std::pmr::monotonic_buffer_resource {
public:
  monotonic_over_ready_buffer() : std::pmr::monotonic_buffer_resource(data(), bytes) {}
};

struct std_monotonic : behind_pmr<monotonic_over_ready_buffer, true> {
  static constexpr char const* name = "std_monotonic";
};

// The pool is called through its own base, as by a program that uses one over the other.
class std_pool_over_monotonic {
public:
  static constexpr char const* name = "std_pool_over_monotonic";
  static bool available() { return true; }
  void* allocate(std::size_t n, std::size_t a) { return base_->allocate(n, a); }
  void deallocate(void* p, std::size_t n, std::size_t a) { base_->deallocate(p, n, a); }
  void end() noexcept {
    pool_.release();
    buffer_.release();
  }
  std::pmr::memory_resource* resource() noexcept { return base_; }

private:
  monotonic_over_ready_buffer buffer_;
  std::pmr::unsynchronized_pool_resource pool_{&buffer_};
  std::pmr::memory_resource* base_ = opaque<std::pmr::memory_resource>(&pool_);
};

}  // namespace bench
