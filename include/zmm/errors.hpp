// The exceptions zmm throws and, with base/checks.hpp, the stop handler.
#pragma once

#include <zmm/fwd.hpp>
#include <zmm/base/checks.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI {

/// Whose limit refused an allocation.
enum class limit_holder : unsigned char {
  engine,    ///< the limit of the heap or request itself
  ancestor,  ///< the limit of a request that it is within
  pool,      ///< the limit of the request's pool
};

/// Thrown when an allocation would take a heap, a request, one of its ancestors or its pool past its limit. The heap is
/// unchanged and usable. The text is a member: making the message allocates nothing.
class memory_limit_exceeded : public std::bad_alloc {
public:
  memory_limit_exceeded(std::size_t requested, std::size_t used, std::size_t limit) noexcept
      : memory_limit_exceeded(requested, used, limit, requested, limit_holder::engine) {}
  memory_limit_exceeded(std::size_t requested, std::size_t used, std::size_t limit, std::size_t needed,
                        limit_holder whose) noexcept
      : requested_(requested), used_(used), limit_(limit), needed_(needed), whose_(whose) {
    char const* const of = whose == limit_holder::pool       ? " of the pool"
                           : whose == limit_holder::ancestor ? " of an ancestor"
                                                             : "";
    __builtin_snprintf(text_, sizeof text_,
                       "zmm: memory limit of %" ZMM_SIZE " bytes%s exhausted (%" ZMM_SIZE
                       " in use, tried to allocate %" ZMM_SIZE ", "
                       "which needs %" ZMM_SIZE " more)",
                       limit, of, used, requested, needed);
  }

  std::size_t requested() const noexcept { return requested_; }  ///< bytes the caller asked for
  /// Bytes that it would have taken, e.g. a whole chunk. Invariant: used() + needed() > limit().
  std::size_t needed() const noexcept { return needed_; }
  std::size_t used() const noexcept { return used_; }     ///< real bytes that counted towards the limit that refused
  std::size_t limit() const noexcept { return limit_; }   ///< that limit, in bytes
  limit_holder whose() const noexcept { return whose_; }  ///< and whose it is
  char const* what() const noexcept override { return text_; }

private:
  std::size_t requested_, used_, limit_, needed_;
  limit_holder whose_;
  char text_[224];
};

/// Thrown when storage has no memory. Says what storage was asked for, which can be far more than the caller asked for:
/// the first block of a heap needs a whole chunk, aligned to its size.
class out_of_memory : public std::bad_alloc {
public:
  out_of_memory(std::size_t requested, std::size_t needed, std::size_t alignment) noexcept
      : requested_(requested), needed_(needed), alignment_(alignment) {
    __builtin_snprintf(text_, sizeof text_,
                       "zmm: storage has no %" ZMM_SIZE " bytes aligned to %" ZMM_SIZE " (needed to allocate %" ZMM_SIZE
                       " bytes)",
                       needed, alignment, requested);
  }

  std::size_t requested() const noexcept { return requested_; }  ///< bytes the caller asked for
  std::size_t needed() const noexcept { return needed_; }        ///< bytes storage was asked for
  std::size_t alignment() const noexcept { return alignment_; }  ///< and at what alignment
  char const* what() const noexcept override { return text_; }

private:
  std::size_t requested_, needed_, alignment_;
  char text_[160];
};

/// Thrown by the allocations of an allocator that was default-constructed while no heap of its type was current on its
/// thread. See use_heap_of.
class ZMM_SHARED no_current_heap : public std::bad_alloc {
public:
  char const* what() const noexcept override {
    return "zmm: the allocator is bound to no heap: none of its type was current when it was made (zmm::use_heap_of)";
  }
};

namespace detail {
inline constexpr std::align_val_t usual_alignment{alignof(std::max_align_t)};

[[noreturn]] ZMM_COLD inline void throw_bad_alloc() { ZMM_THROW(std::bad_alloc()); }
[[noreturn]] ZMM_COLD inline void throw_bad_array_new_length() { ZMM_THROW(std::bad_array_new_length()); }
}  // namespace detail

}}  // namespace zmm
