// C's malloc, free and all functions of that family, on thread_heap. Include this in exactly one source file of a program:
//
//     #include <zmm/replace_malloc.hpp>
//
// and every malloc of the program and of the shared objects it loads goes there, also C++'s new and the C library's own calls.
// A program that includes it twice does not link. To change no program, preload libzmm_malloc.so. For the GNU C library.
// docs/replacing-malloc.md says what happens before main, across fork and with ZMM_PASSTHROUGH, how ZMM_PROFILE gets a profile
// out of any program, and what does not work.
//
// Each function does what the C library's manual says, except where a comment differs. Any thread may free a block.
#pragma once

#include <zmm/faces/malloc_family.hpp>
#include <zmm/malloc_profile.hpp>

#include <climits>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The heap's figures in the C library's terms: bytes in use, bytes free, and huge blocks, which have their own mappings.
inline struct mallinfo2 malloc_figures() noexcept {
  if (malloc_family::forwards()) return next_in_line.mallinfo2.get()();
  statistics const now = thread_heap::stats();
  struct mallinfo2 told {};
  told.arena = now.real_size;
  told.hblks = now.huge_blocks;
  told.usmblks = now.peak;
  told.uordblks = now.size;
  told.fordblks = now.real_size > now.size ? now.real_size - now.size : 0;
  told.keepcost = now.cached_chunks * thread_heap::geometry::chunk_bytes;
  return told;
}
inline int saturated(std::size_t n) noexcept { return n < INT_MAX ? static_cast<int>(n) : INT_MAX; }

}}}  // namespace zmm::detail

extern "C" {

ZMM_SHARED void* malloc(std::size_t bytes) noexcept { return zmm::detail::malloc_family::allocate(bytes); }
ZMM_SHARED void free(void* block) noexcept { zmm::detail::malloc_family::free(block); }
/// For programs from before glibc 2.26, which removed it. Weak, because programs may use the name now.
[[gnu::weak]] ZMM_SHARED void cfree(void* block) noexcept { zmm::detail::malloc_family::free(block); }

// By address: a block that shrank in place still lies in a larger slot than its size suggests.
ZMM_SHARED void free_sized(void* block, std::size_t) noexcept { zmm::detail::malloc_family::free(block); }
ZMM_SHARED void free_aligned_sized(void* block, std::size_t, std::size_t) noexcept {
  zmm::detail::malloc_family::free(block);
}

ZMM_SHARED void* calloc(std::size_t count, std::size_t each) noexcept {
  return zmm::detail::malloc_family::allocate_zeroed(count, each);
}
/// As the C library's: realloc(p, 0) frees p and returns null.
ZMM_SHARED void* realloc(void* block, std::size_t bytes) noexcept {
  return zmm::detail::malloc_family::reallocate(block, bytes);
}
ZMM_SHARED void* reallocarray(void* block, std::size_t count, std::size_t each) noexcept {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, each, &bytes)) return zmm::detail::malloc_family::refuse(ENOMEM);
  return zmm::detail::malloc_family::reallocate(block, bytes);
}

ZMM_SHARED int posix_memalign(void** place, std::size_t alignment, std::size_t bytes) noexcept {
  if (!zmm::detail::is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  int const saved = errno;
  void* const block = zmm::detail::malloc_family::allocate_aligned(alignment, bytes);
  errno = saved;
  if (block == nullptr) return ENOMEM;
  *place = block;
  return 0;
}
/// As in C17: an alignment that is not a power of two is refused with EINVAL. Takes any size.
ZMM_SHARED void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  return zmm::detail::malloc_family::allocate_aligned(alignment, bytes);
}
/// As the C library's: an alignment that is not a power of two is rounded up to one.
ZMM_SHARED void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  if (alignment > (~std::size_t{0} >> 1) + 1) return zmm::detail::malloc_family::refuse(EINVAL);
  std::size_t const power = alignment <= 1 ? 1 : std::size_t{2} << zmm::detail::highest_bit(alignment - 1);
  return zmm::detail::malloc_family::allocate_aligned(power, bytes);
}
ZMM_SHARED void* valloc(std::size_t bytes) noexcept {
  return zmm::detail::malloc_family::allocate_aligned(zmm::os_page_size(), bytes);
}
ZMM_SHARED void* pvalloc(std::size_t bytes) noexcept {
  std::size_t const page = zmm::os_page_size();
  std::size_t const whole = zmm::detail::align_up(bytes, page);
  if (whole < bytes) return zmm::detail::malloc_family::refuse(ENOMEM);
  return zmm::detail::malloc_family::allocate_aligned(page, whole);
}

/// The program may use all of these bytes.
ZMM_SHARED std::size_t malloc_usable_size(void* block) noexcept {
  return zmm::detail::malloc_family::usable_size(block);
}
/// Returns: 1 if memory went back to the system. Ignores `keep`: the heap decides how much it keeps.
ZMM_SHARED int malloc_trim(std::size_t keep) noexcept {
  if (zmm::detail::malloc_family::forwards()) return zmm::detail::next_in_line.malloc_trim.get()(keep);
  zmm::thread_heap::collect();
  return zmm::thread_heap::trim() != 0;
}
/// Effects: none. Returns: 1: the parameters are those of the C library's own malloc.
ZMM_SHARED int mallopt(int name, int value) noexcept {
  return zmm::detail::malloc_family::forwards() ? zmm::detail::next_in_line.mallopt.get()(name, value) : 1;
}
ZMM_SHARED struct mallinfo2 mallinfo2() noexcept { return zmm::detail::malloc_figures(); }
/// As mallinfo2(); figures that are too large for an int become INT_MAX.
ZMM_SHARED struct mallinfo mallinfo() noexcept {
  struct mallinfo2 const now = zmm::detail::malloc_figures();
  using zmm::detail::saturated;
  return {saturated(now.arena),    saturated(now.ordblks), saturated(now.smblks),  saturated(now.hblks),
          saturated(now.hblkhd),   saturated(now.usmblks), saturated(now.fsmblks), saturated(now.uordblks),
          saturated(now.fordblks), saturated(now.keepcost)};
}
ZMM_SHARED void malloc_stats() noexcept {
  if (zmm::detail::malloc_family::forwards()) return zmm::detail::next_in_line.malloc_stats.get()();
  struct mallinfo2 const now = zmm::detail::malloc_figures();
  dprintf(STDERR_FILENO, "zmm: %zu bytes in use, %zu from the system, %zu huge blocks\n", now.uordblks, now.arena,
          now.hblks);
}
ZMM_SHARED int malloc_info(int options, std::FILE* out) noexcept {
  if (options != 0) return EINVAL;
  if (zmm::detail::malloc_family::forwards()) return zmm::detail::next_in_line.malloc_info.get()(options, out);
  struct mallinfo2 const now = zmm::detail::malloc_figures();
  std::fprintf(out,
               "<malloc version=\"1\">\n<system type=\"current\" size=\"%zu\"/>\n<total type=\"rest\" "
               "size=\"%zu\"/>\n</malloc>\n",
               now.arena, now.fordblks);
  return 0;
}

// The C library's second names for its functions. free() takes blocks from these, too.
// NOLINTBEGIN(bugprone-reserved-identifier)
ZMM_SHARED void* __libc_malloc(std::size_t bytes) noexcept { return zmm::detail::malloc_family::allocate(bytes); }
ZMM_SHARED void* __libc_calloc(std::size_t count, std::size_t each) noexcept {
  return zmm::detail::malloc_family::allocate_zeroed(count, each);
}
ZMM_SHARED void* __libc_realloc(void* block, std::size_t bytes) noexcept {
  return zmm::detail::malloc_family::reallocate(block, bytes);
}
ZMM_SHARED void* __libc_memalign(std::size_t alignment, std::size_t bytes) noexcept {
  return memalign(alignment, bytes);
}
ZMM_SHARED void* __libc_valloc(std::size_t bytes) noexcept { return valloc(bytes); }
ZMM_SHARED void* __libc_pvalloc(std::size_t bytes) noexcept { return pvalloc(bytes); }
ZMM_SHARED void __libc_free(void* block) noexcept { zmm::detail::malloc_family::free(block); }
// NOLINTEND(bugprone-reserved-identifier)

/// Runs before the program's constructors: so the heap registers what it runs at exit while no lock of the C library is held.
/// A later first allocation might be made under such a lock, for instance inside atexit().
[[gnu::constructor(101)]] static void zmm_malloc_begins() noexcept {
  zmm::detail::malloc_family::free(zmm::detail::malloc_family::allocate(1));
  zmm::detail::the_malloc_profile.begin();
}
/// Runs after the program's destructors.
[[gnu::destructor(101)]] static void zmm_malloc_ends() noexcept { zmm::detail::the_malloc_profile.end(); }

}  // extern "C"
