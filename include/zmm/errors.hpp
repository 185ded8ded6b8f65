// The exceptions zmm throws and, with base/checks.hpp, the stop handler.
#pragma once

#include <zmm/fwd.hpp>
#include <zmm/base/checks.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI {

/// Thrown when an allocation would take a heap, a request, one of its ancestors or its pool past its limit. The heap
/// is unchanged and usable. Holds its text in itself: throwing it asks no allocator for a message.
class memory_limit_exceeded : public std::bad_alloc {
public:
  memory_limit_exceeded(std::size_t requested, std::size_t used, std::size_t limit) noexcept
      : requested_(requested), used_(used), limit_(limit) {
    __builtin_snprintf(text_, sizeof text_,
                       "zmm: memory limit of %zu bytes exhausted (%zu in use, tried to allocate %zu)", limit, used,
                       requested);
  }

  std::size_t requested() const noexcept { return requested_; }  ///< bytes the caller asked for
  std::size_t used() const noexcept { return used_; }            ///< real bytes in use at the limit that refused
  std::size_t limit() const noexcept { return limit_; }          ///< that limit, in bytes
  char const* what() const noexcept override { return text_; }

private:
  std::size_t requested_, used_, limit_;
  char text_[128];
};

/// Thrown when storage has no memory. Names what storage was asked for, which can be far more than the caller asked
/// for: the first block of a heap needs a whole chunk, aligned to its size.
class out_of_memory : public std::bad_alloc {
public:
  out_of_memory(std::size_t requested, std::size_t needed, std::size_t alignment) noexcept
      : requested_(requested), needed_(needed), alignment_(alignment) {
    __builtin_snprintf(text_, sizeof text_,
                       "zmm: storage has no %zu bytes aligned to %zu (needed to allocate %zu bytes)", needed, alignment,
                       requested);
  }

  std::size_t requested() const noexcept { return requested_; }  ///< bytes the caller asked for
  std::size_t needed() const noexcept { return needed_; }        ///< bytes storage was asked for
  std::size_t alignment() const noexcept { return alignment_; }  ///< and how they were to be aligned
  char const* what() const noexcept override { return text_; }

private:
  std::size_t requested_, needed_, alignment_;
  char text_[160];
};

namespace detail {
[[noreturn]] ZMM_COLD inline void throw_bad_alloc() { ZMM_THROW(std::bad_alloc()); }
[[noreturn]] ZMM_COLD inline void throw_bad_array_new_length() { ZMM_THROW(std::bad_array_new_length()); }
}  // namespace detail

}}  // namespace zmm
