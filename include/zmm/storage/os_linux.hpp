// Storage from Linux: POSIX, and blocks that grow in place or move without a copy.
#pragma once

#include <zmm/storage/os_posix.hpp>

#include <cerrno>
#include <sys/syscall.h>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Whether the page at `p` can be read. The kernel copies the signal set before it rejects the unknown operation, so a
/// page that may not be read shows as EFAULT, and nothing is changed either way.
inline bool os_readable(void const* p) noexcept {
  return ::syscall(SYS_rt_sigprocmask, ~0, p, nullptr, 8) == 0 || errno != EFAULT;
}

class linux_storage final : public posix_storage {
public:
  constexpr linux_storage() noexcept = default;

  /// Within the reserve: commits. Beyond it: maps behind the block while that address space is free.
  bool extend(void* block, std::size_t from, std::size_t to) noexcept override {
    int const saved = errno;
    void* const tail = offset(block, from);
    void* const mapped = os_map(tail, to - from, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
    bool done = mapped == tail;
    if (!done) {
      if (mapped != nullptr) ::munmap(mapped, to - from);  // a kernel before 4.17 took the address for a hint
      // Something is mapped there. Our own reserve cannot be read; what can be read belongs to somebody else.
      done = !os_readable(tail) && posix_storage::extend(block, from, to);
    }
    errno = saved;
    return done;
  }

  void* move(void* block, std::size_t from, std::size_t to, std::size_t alignment) noexcept override {
    if (::mremap(block, from, to, 0) == block) return block;
    if (to <= from) return nullptr;
    void* const place = map_aligned(to, alignment, PROT_NONE);
    if (place == nullptr) return nullptr;
    if (::mremap(block, from, to, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place) return place;
    ::munmap(place, to);
    return nullptr;
  }
};

}}}  // namespace zmm::detail
