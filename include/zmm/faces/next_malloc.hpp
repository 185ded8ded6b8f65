// The malloc that would serve the program if zmm did not replace it: the C library's or a tool's.
#pragma once

#include <zmm/base/atomic.hpp>

#include <cstddef>
#include <dlfcn.h>
#include <malloc.h>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Weak: a statically linked program has neither a next library nor this function.
extern "C" [[gnu::weak]] void* zmm_find_symbol(void* where, char const* name) noexcept __asm__("dlsym");

/// The function of this name in the next shared object that has one.
template <class F> class next_function {
public:
  constexpr explicit next_function(char const* name) noexcept : name_(name) {}
  /// Returns: whether there is one. Any thread; all find the same.
  bool find() noexcept {
    void* const found = zmm_find_symbol(RTLD_NEXT, name_);
    f_.store(reinterpret_cast<F*>(found), detail::memory_order_relaxed);
    return found != nullptr;
  }
  /// Requires: find() has found it.
  F* get() const noexcept { return f_.load(detail::memory_order_relaxed); }

private:
  char const* name_;
  detail::atomic<F*> f_{nullptr};
};

/// The functions that calls are forwarded to. All others of the family are made from these.
struct next_malloc {
  next_function<void*(std::size_t)> malloc{"malloc"};
  next_function<void*(std::size_t, std::size_t)> calloc{"calloc"};
  next_function<void*(void*, std::size_t)> realloc{"realloc"};
  next_function<void*(std::size_t, std::size_t)> memalign{"memalign"};
  next_function<void(void*)> free{"free"};
  next_function<std::size_t(void*)> malloc_usable_size{"malloc_usable_size"};
  next_function<int(std::size_t)> malloc_trim{"malloc_trim"};
  next_function<int(int, int)> mallopt{"mallopt"};
  next_function<struct mallinfo2()> mallinfo2{"mallinfo2"};
  next_function<void()> malloc_stats{"malloc_stats"};
  next_function<int(int, FILE*)> malloc_info{"malloc_info"};

  /// Returns: whether all were found.
  ZMM_COLD bool find() noexcept {
    return zmm_find_symbol != nullptr && malloc.find() && calloc.find() && realloc.find() && memalign.find() &&
           free.find() && malloc_usable_size.find() && malloc_trim.find() && mallopt.find() && mallinfo2.find() &&
           malloc_stats.find() && malloc_info.find();
  }
};

}}}  // namespace zmm::detail
