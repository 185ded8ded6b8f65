// Linux: huge pages, NUMA nodes, files with their blocks allocated in advance; the stack, and where code is mapped.
#pragma once

#include <zmm/base/system/posix_kinds.hpp>
#include <zmm/base/system/stack_rules.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

extern "C" {
int zmm_unwind(int (*visit)(void* frame, void* state), void* state) __asm__("_Unwind_Backtrace");
std::uintptr_t zmm_place_of_call(void* frame) __asm__("_Unwind_GetIP");
}

struct linux_kinds : posix_kinds {
  static constexpr bool has_huge_pages = true;
  static constexpr bool has_huge_page_pool = true;
  static constexpr bool has_nodes = true;
  static void prefer_huge_pages(void* p, std::size_t bytes) noexcept { ::madvise(p, bytes, MADV_HUGEPAGE); }
  static bool avoid_huge_pages(void* p, std::size_t bytes) noexcept {
    return ::madvise(p, bytes, MADV_NOHUGEPAGE) == 0;
  }
  static void make_huge_page(void* p, std::size_t bytes) noexcept {
    constexpr int collapse = 25;  // MADV_COLLAPSE, from Linux 6.1 on; before, the kernel makes the page huge later
    ::madvise(p, bytes, collapse);
  }
  static std::ptrdiff_t resident_pages(void* p, std::size_t bytes) noexcept {
    unsigned char resident[512];
    std::size_t const pages = bytes / linux_system::page_size();
    if (pages > sizeof resident || ::mincore(p, bytes, resident) != 0) return -1;
    std::ptrdiff_t there = 0;
    for (std::size_t i = 0; i < pages; ++i) there += resident[i] & 1;
    return there;
  }
  /// Without MAP_NORESERVE: so an empty pool fails here, and not with a signal at the first touch.
  static void* map_huge(std::size_t bytes) noexcept {
    constexpr int of_2_mib = 21 << 26;  // MAP_HUGE_2MB
    return linux_system::if_mapped(
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | of_2_mib, -1, 0));
  }
  static void prefer_node(void* p, std::size_t bytes, unsigned node) noexcept {
    constexpr long preferred = 1;  // MPOL_PREFERRED takes other nodes once this one is full; MPOL_BIND would kill the program
    constexpr unsigned most = 64, bits = 8 * sizeof(unsigned long);
    unsigned long nodes[most / bits] = {};
    nodes[node % most / bits] = 1UL << node % bits;
    linux_system::system_call(SYS_mbind, p, bytes, preferred, &nodes[0], std::size_t{most} + 1, 0L);
  }

  /// By rules that were met before; else by the unwinder of exceptions, which every program of C++ has.
  ZMM_NOINLINE static std::size_t walk_stack(std::uintptr_t* to, std::size_t most) noexcept {
    if constexpr (ZMM_HAS_UNWINDER == 0) return 0;
    if constexpr (ZMM_HAS_FRAME_RULES == 1) {
      std::size_t const known = the_frame_rules.walk(
          reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)), reinterpret_cast<std::uintptr_t>(__builtin_dwarf_cfa()),
          *static_cast<std::uintptr_t const*>(__builtin_frame_address(0)), to, most);
      if (known != 0) return known;
    }
    return unwind(to, most);
  }
  /// By the unwinder alone.
  static std::size_t unwind(std::uintptr_t* to, std::size_t most) noexcept {
    struct {
      std::uintptr_t* next;
      std::uintptr_t* end;
    } room{to, to + most};
    zmm_unwind(
        [](void* frame, void* state) {
          auto& left = *static_cast<decltype(room)*>(state);
          std::uintptr_t const place = zmm_place_of_call(frame);
          constexpr int go_on = 0, stop = 4;  // _URC_NO_REASON, _URC_NORMAL_STOP
          if (place == 0 || left.next == left.end) return stop;
          *left.next++ = place;
          return go_on;
        },
        &room);
    return static_cast<std::size_t>(room.next - to);
  }
  /// Reads from the beginning: a 64-bit offset is one argument of a system call on some machines and two on others.
  static std::size_t read_mappings(std::size_t from, char* to, std::size_t bytes) noexcept {
    constexpr long working_folder = -100, reading = 0;  // AT_FDCWD, O_RDONLY
    long const file = linux_system::system_call(SYS_openat, working_folder, "/proc/self/maps", reading, 0L);
    if (file < 0) return 0;
    long got = 0;
    for (std::size_t left = from;; left -= static_cast<std::size_t>(got)) {
      std::size_t const wanted = left != 0 && left < bytes ? left : bytes;
      got = linux_system::system_call(SYS_read, file, to, static_cast<long>(wanted));
      if (got <= 0 || left == 0) break;
    }
    linux_system::system_call(SYS_close, file);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }

  /// Allocates a regular file's blocks after the part was mapped, so that a file that is refused keeps its length. On file
  /// systems that cannot do this, the file has to be long enough.
  static void* map_file(int file, std::size_t offset, std::size_t bytes) noexcept {
    bytes_known const has = look_at(file, offset, bytes);
    if (has == bytes_known::wrong) return nullptr;
    void* const p = map_shared(file, offset, bytes);
    if (p == nullptr || has == bytes_known::no) return p;
    if (::fallocate(file, 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)) == 0) return p;
    bool const cannot_be_asked = errno == EOPNOTSUPP || errno == ENOSYS;
    if (cannot_be_asked && has == bytes_known::enough) return p;
    ::munmap(p, bytes);
    return nullptr;
  }
};

}}}  // namespace zmm::detail
