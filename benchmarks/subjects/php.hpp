// PHP's own allocator, from its embedding library, libphp. One heap in a process; shutdown_memory_manager ends a request.
#pragma once

#include <new>

#include "../support/library.hpp"
#include "subject.hpp"

namespace bench {

struct php_library : library {
  void* (*emalloc)(std::size_t) = nullptr;
  void (*efree)(void*) = nullptr;
  void (*start)() = nullptr;
  void (*shutdown)(bool silent, bool full) = nullptr;
  std::size_t (*collect)(void*) = nullptr;
  void* (*current_heap)() = nullptr;
  bool complete;

  php_library() noexcept
      : library{"libphp8.2.so"},
        complete{find(emalloc, "_emalloc") && find(efree, "_efree") && find(start, "start_memory_manager") &&
                 find(shutdown, "shutdown_memory_manager") && find(collect, "zend_mm_gc") &&
                 find(current_heap, "zend_mm_get_heap")} {
    if (complete) start();
  }
};
inline php_library const php_functions;

// emalloc takes no alignment: blocks are 8-aligned, and more only if their size class happens to be.
struct php_emalloc {
  static constexpr char const* name = "php_emalloc";
  static constexpr std::size_t max_alignment = 8;
  static bool available() { return php_functions.complete; }

  void* allocate(std::size_t n, std::size_t) { return php_functions.emalloc(n); }
  void deallocate(void* p, std::size_t, std::size_t) { php_functions.efree(p); }
  void end() noexcept { php_functions.shutdown(true, false); }
  void trim() noexcept { php_functions.collect(php_functions.current_heap()); }
};

using php_pmr = pmr_face<php_emalloc>;

}  // namespace bench
