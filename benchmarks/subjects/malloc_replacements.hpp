// jemalloc and tcmalloc: process-wide allocators, opened at run time so that they do not replace malloc. Neither can end
// a request.
#pragma once

#include <new>

#include "../support/library.hpp"
#include "subject.hpp"

namespace bench {

struct jemalloc_library : library {
  void* (*malloc)(std::size_t) = nullptr;
  void* (*aligned_alloc)(std::size_t, std::size_t) = nullptr;
  void (*sdallocx)(void*, std::size_t, int) = nullptr;
  int (*mallctl)(char const*, void*, std::size_t*, void*, std::size_t) = nullptr;
  bool complete;

  jemalloc_library() noexcept
      : library{"libjemalloc.so.2"},
        complete{find(malloc, "malloc") && find(aligned_alloc, "aligned_alloc") && find(sdallocx, "sdallocx") &&
                 find(mallctl, "mallctl")} {}
};
inline jemalloc_library const jemalloc_functions;

struct jemalloc {
  static constexpr char const* name = "jemalloc";
  static bool available() { return jemalloc_functions.complete; }

  void* allocate(std::size_t n, std::size_t a) {
    void* const p = natural(n, a) ? jemalloc_functions.malloc(n) : jemalloc_functions.aligned_alloc(a, round_up(n, a));
    if (!p) throw std::bad_alloc{};
    return p;
  }
  void deallocate(void* p, std::size_t n, std::size_t a) {
    jemalloc_functions.sdallocx(p, natural(n, a) ? n : round_up(n, a), 0);
  }
  void trim() noexcept {
    jemalloc_functions.mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
    jemalloc_functions.mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: all arenas
  }

private:
  static bool natural(std::size_t n, std::size_t a) noexcept { return a <= 8 || (a == 16 && n > 8); }
  static std::size_t round_up(std::size_t n, std::size_t a) noexcept { return (n + a - 1) & ~(a - 1); }
};

struct tcmalloc_library : library {
  void* (*malloc)(std::size_t) = nullptr;
  void* (*memalign)(std::size_t, std::size_t) = nullptr;
  void (*free)(void*) = nullptr;
  void (*free_sized)(void*, std::size_t) = nullptr;
  void (*release_free_memory)() = nullptr;
  char const* (*version)(int*, int*, char const**) = nullptr;
  bool complete;

  tcmalloc_library() noexcept
      : library{"libtcmalloc_minimal.so.4"},
        complete{find(malloc, "tc_malloc") && find(memalign, "tc_memalign") && find(free, "tc_free") &&
                 find(free_sized, "tc_free_sized") && find(release_free_memory, "MallocExtension_ReleaseFreeMemory") &&
                 find(version, "tc_version")} {}
};
inline tcmalloc_library const tcmalloc_functions;

struct tcmalloc {
  static constexpr char const* name = "tcmalloc";
  static bool available() { return tcmalloc_functions.complete; }

  void* allocate(std::size_t n, std::size_t a) {
    void* const p = a <= 8 || (a == 16 && n > 8) ? tcmalloc_functions.malloc(n) : tcmalloc_functions.memalign(a, n);
    if (!p) throw std::bad_alloc{};
    return p;
  }
  void deallocate(void* p, std::size_t n, std::size_t a) {
    if (a <= 16) {
      tcmalloc_functions.free_sized(p, n);
    } else {
      tcmalloc_functions.free(p);
    }
  }
  void trim() noexcept { tcmalloc_functions.release_free_memory(); }
};

using jemalloc_pmr = pmr_face<jemalloc>;
using tcmalloc_pmr = pmr_face<tcmalloc>;

}  // namespace bench
