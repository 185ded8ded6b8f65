// C's allocation functions on thread_heap; replace_malloc.hpp gives them their names.
//
//     allocate, free ─ thread_heap
//        └─ allocate_rest, free_rest ─ (the first call) settle
//                                    ─ (forwarding) next_malloc
#pragma once

#include <zmm/faces/next_malloc.hpp>
#include <zmm/threads/thread_heap.hpp>

#include <cerrno>

#include <sys/mman.h>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Which malloc serves the calls. The first call decides for good, because a block has to be freed where it came from.
enum class malloc_side : unsigned char { unknown, zmm, next };

[[gnu::visibility("hidden")]] inline detail::atomic<malloc_side> malloc_side_now{malloc_side::unknown};
[[gnu::visibility("hidden")]] inline next_malloc next_in_line;
[[gnu::visibility("hidden"), gnu::tls_model("initial-exec")]] inline thread_local bool is_settling_malloc = false;

/// Each does what the C library's manual says, errno included: ENOMEM if there is no memory; freeing does not change it.
class malloc_family {
public:
  /// What glibc promises for every block, however small.
  static constexpr std::size_t alignment = 16;

  ZMM_INLINE static void* allocate(std::size_t bytes) noexcept {
    if (ZMM_UNLIKELY(!is_zmm())) return allocate_otherwise(bytes, alignment);
    void* const block = thread_heap::try_allocate(bytes, alignment);
    return ZMM_LIKELY(block != nullptr) ? block : refuse(ENOMEM);
  }
  ZMM_INLINE static void free(void* block) noexcept {
    if (ZMM_UNLIKELY(!is_zmm())) return free_otherwise(block);
    thread_heap::deallocate(block);
  }

  static void* allocate_zeroed(std::size_t count, std::size_t each) noexcept {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, each, &bytes)) return refuse(ENOMEM);
    if (ZMM_UNLIKELY(forwards())) return next_in_line.calloc.get()(count, each);
    void* const block = allocate(bytes);
    if (ZMM_LIKELY(block != nullptr)) zero(block, bytes);
    return block;
  }

  /// Any alignment that is a power of two; others are refused with EINVAL.
  static void* allocate_aligned(std::size_t least_alignment, std::size_t bytes) noexcept {
    if (!is_power_of_two(least_alignment)) return refuse(EINVAL);
    if (least_alignment <= alignment) return allocate(bytes);
    if (ZMM_UNLIKELY(!is_zmm())) return allocate_otherwise(bytes, least_alignment);
    void* const block = thread_heap::try_allocate(bytes, least_alignment);
    return ZMM_LIKELY(block != nullptr) ? block : refuse(ENOMEM);
  }

  static void* reallocate(void* block, std::size_t bytes) noexcept {
    if (block == nullptr) return allocate(bytes);
    if (ZMM_UNLIKELY(forwards())) return next_in_line.realloc.get()(block, bytes);
    if (bytes == 0) return thread_heap::deallocate(block), nullptr;
    if (bytes > most_bytes) return refuse(ENOMEM);

    std::size_t const usable = thread_heap::usable_size(block);
    std::size_t const reached = thread_heap::resize_in_place(block, usable, bytes, bytes);
    if (reached != 0 && reached / 2 <= bytes) return block;
    // The block does not fit in its place, or would use less than half of it.
    void* const place = bytes > usable ? thread_heap::try_allocate_growing(bytes, alignment)
                                       : thread_heap::try_allocate(bytes, alignment);
    if (place == nullptr) return bytes <= usable ? block : refuse(ENOMEM);  // shrinking does not fail
    copy_bytes(place, block, bytes < usable ? bytes : usable);
    thread_heap::deallocate(block);
    return place;
  }

  static std::size_t usable_size(void* block) noexcept {
    return ZMM_UNLIKELY(forwards()) ? next_in_line.malloc_usable_size.get()(block) : thread_heap::usable_size(block);
  }

  /// Whether calls go to the next malloc.
  static bool forwards() noexcept { return !is_zmm() && settle() == malloc_side::next; }

  ZMM_COLD static void* refuse(int error) noexcept {
    errno = error;
    return nullptr;
  }

private:
  static constexpr std::size_t most_bytes = ~std::size_t{0} / 2;  ///< no object may be larger: PTRDIFF_MAX

  ZMM_INLINE static bool is_zmm() noexcept {
    return malloc_side_now.load(detail::memory_order_relaxed) ==
           malloc_side::zmm;  // relaxed: no other data depends on it
  }

  /// Decides, if it is not decided yet. Any threads at once: all get the same. Returns: the side; unknown: in a call from
  /// inside this one.
  ZMM_COLD static malloc_side settle() noexcept {
    malloc_side side = malloc_side_now.load(detail::memory_order_acquire);
    if (side != malloc_side::unknown || is_settling_malloc) return side;
    int const saved = errno;
    is_settling_malloc = true;
    malloc_side found = malloc_side::zmm;
    if (forwards_now()) {
      if (next_in_line.find()) found = malloc_side::next;
      else forwarding_now.store(forwarding::off);  // thread_heap would forward to us
    }
    // Release: a thread that reads `next` sees the functions.
    if (!malloc_side_now.compare_exchange_strong(side, found, detail::memory_order_acq_rel)) found = side;
    is_settling_malloc = false;
    errno = saved;
    return found;
  }

  /// For forwarding and the first call. Refuses what the dynamic linker asks for while it looks up the next malloc; the
  /// linker copes with that.
  ZMM_COLD static void* allocate_otherwise(std::size_t bytes, std::size_t align) noexcept {
    malloc_side const side = settle();
    if (side == malloc_side::next)
      return align > alignment ? next_in_line.memalign.get()(align, bytes) : next_in_line.malloc.get()(bytes);
    void* const block = side == malloc_side::zmm ? thread_heap::try_allocate(bytes, align) : nullptr;
    return block != nullptr ? block : refuse(ENOMEM);
  }
  ZMM_COLD static void free_otherwise(void* block) noexcept {
    settle() == malloc_side::next ? next_in_line.free.get()(block) : thread_heap::deallocate(block);
  }

  /// Drops the pages of large blocks instead of writing to them, so that pages that are never used take no memory.
  static void zero(void* block, std::size_t bytes) noexcept {
    if (bytes >= thread_heap::geometry::chunk_bytes) {
      int const saved = errno;
      std::size_t const page = os_page_size();
      std::size_t const before = align_up(address_of(block), page) - address_of(block);
      std::size_t const whole = align_down(bytes - before, page);
      if (::madvise(offset(block, before), whole, MADV_DONTNEED) == 0) {
        zero_bytes(block, before);
        return zero_bytes(offset(block, before + whole), bytes - before - whole);
      }
      errno = saved;  // locked pages cannot be dropped: they are written to
    }
    zero_bytes(block, bytes);
  }
};

}}}  // namespace zmm::detail
