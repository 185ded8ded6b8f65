// mimalloc's first-class heap: mi_heap_malloc + mi_free, ended by mi_heap_destroy. Opened at run time, see
// support/library.hpp.
#pragma once

#include <new>

#include "../support/library.hpp"
#include "subject.hpp"

namespace bench {

// The functions used, declared by hand: the same on every machine, with or without the header.
struct mimalloc_library : library {
  void* (*heap_new)() = nullptr;
  void (*heap_destroy)(void*) = nullptr;
  void* (*heap_malloc)(void*, std::size_t) = nullptr;
  void* (*heap_malloc_aligned)(void*, std::size_t, std::size_t) = nullptr;
  void* (*malloc)(std::size_t) = nullptr;
  void* (*malloc_aligned)(std::size_t, std::size_t) = nullptr;
  void (*free)(void*) = nullptr;
  void (*collect)(bool) = nullptr;
  int (*version)() = nullptr;
  bool complete;

  mimalloc_library() noexcept
      : library{"libmimalloc.so.2"},
        complete{find(heap_new, "mi_heap_new") && find(heap_destroy, "mi_heap_destroy") &&
                 find(heap_malloc, "mi_heap_malloc") && find(heap_malloc_aligned, "mi_heap_malloc_aligned") &&
                 find(malloc, "mi_malloc") && find(malloc_aligned, "mi_malloc_aligned") && find(free, "mi_free") &&
                 find(collect, "mi_collect") && find(version, "mi_version")} {}
};
inline mimalloc_library const mimalloc_functions;

class mimalloc_heap {
public:
  static constexpr char const* name = "mimalloc";
  static bool available() { return mimalloc_functions.complete; }

  mimalloc_heap() = default;
  mimalloc_heap(mimalloc_heap const&) = delete;
  mimalloc_heap& operator=(mimalloc_heap const&) = delete;
  ~mimalloc_heap() { mimalloc_functions.heap_destroy(heap_); }

  // mimalloc promises that blocks above 8 bytes are 16-aligned, so the aligned function is used only for more.
  void* allocate(std::size_t n, std::size_t a) {
    void* const p = a <= 8 || (a == 16 && n > 8) ? mimalloc_functions.heap_malloc(heap_, n)
                                                 : mimalloc_functions.heap_malloc_aligned(heap_, n, a);
    if (!p) throw std::bad_alloc{};
    return p;
  }
  void deallocate(void* p, std::size_t, std::size_t) { mimalloc_functions.free(p); }
  void end() noexcept {
    mimalloc_functions.heap_destroy(heap_);
    heap_ = mimalloc_functions.heap_new();
  }
  void trim() noexcept { mimalloc_functions.collect(true); }

private:
  void* heap_ = mimalloc_functions.heap_new();
};

// Its process-wide functions, for any thread: mi_malloc + mi_free.
struct mimalloc_process {
  static constexpr char const* name = "mimalloc";
  static bool available() { return mimalloc_functions.complete; }

  void* allocate(std::size_t n, std::size_t a) {
    void* const p =
        a <= 8 || (a == 16 && n > 8) ? mimalloc_functions.malloc(n) : mimalloc_functions.malloc_aligned(n, a);
    if (!p) throw std::bad_alloc{};
    return p;
  }
  void deallocate(void* p, std::size_t, std::size_t) { mimalloc_functions.free(p); }
  void trim() noexcept { mimalloc_functions.collect(true); }
};

using mimalloc_pmr = pmr_face<mimalloc_heap>;
using mimalloc_process_pmr = pmr_face<mimalloc_process>;

}  // namespace bench
