// WebAssembly, with wasi-libc or emscripten: one thread, and one piece of memory, which only grows.
#pragma once

#include <zmm/base/system/bare.hpp>
#include <zmm/base/system/grown_memory.hpp>

#include <cerrno>
#include <cstdlib>
#include <unistd.h>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct wasm_system : bare_system {
  static constexpr std::size_t chunk_bytes = std::size_t{256} << 10;
  static constexpr bool maps_aligned = true;
  static constexpr std::size_t most_reserves = 512;

  static void* map(void* /*hint*/, std::size_t bytes, page_access access) noexcept {
    return map_aligned(bytes, grown_memory::grain, access);
  }
  static void* map_aligned(std::size_t bytes, std::size_t alignment, page_access /*all may be written*/) noexcept {
    return memory.map(bytes, alignment < grown_memory::grain ? grown_memory::grain : alignment);
  }
  static bool unmap(void* p, std::size_t bytes) noexcept {
    memory.unmap(p, bytes);
    return true;
  }

  static bool open(void* /*p*/, std::size_t /*bytes*/) noexcept { return true; }

  static error last_error() noexcept { return errno; }
  static void set_last_error(error e) noexcept { errno = e; }
  static bool draw(void* to, std::size_t bytes) noexcept { return ::getentropy(to, bytes) == 0; }

  static constexpr bool tells = true;
  static bool tell(char const* text, std::size_t bytes) noexcept { return ::write(2, text, bytes) >= 0; }
  static char const* wish(char const* name) noexcept { return ::getenv(name); }
  static void* allocate(std::size_t bytes) noexcept { return ::malloc(bytes); }
  static void* allocate_aligned(std::size_t bytes, std::size_t alignment) noexcept {
    void* block = nullptr;
    return ::posix_memalign(&block, alignment, bytes) == 0 ? block : nullptr;
  }
  static void free(void* block) noexcept { ::free(block); }

private:
  static constexpr std::size_t unit = 65536;  ///< WebAssembly's page

  /// Moves the C library's end of memory, so that its malloc and zmm do not take the same memory.
  static void* more(std::size_t bytes, std::size_t* got) noexcept {
    std::size_t const whole = align_up(bytes, unit);
    if (whole < bytes || whole > ~std::size_t{0} / 2) return nullptr;
    std::size_t const before = address_of(::sbrk(0)), rest = align_up(before, unit) - before;  // once in a program
    void* const p = ::sbrk(static_cast<std::intptr_t>(rest + whole));
    if (p == reinterpret_cast<void*>(~std::uintptr_t{0})) return nullptr;
    *got = whole;
    return offset(p, rest);
  }

  static std::uintptr_t end() noexcept { return align_up(address_of(::sbrk(0)), unit); }

  static inline grown_memory memory{&more, &end};
};

}}}  // namespace zmm::detail
