// All that zmm needs from a system: each system is a struct with these members, in its own file beside this one;
// base/system.hpp chooses. This one is a machine without a system, which has nothing. The others derive from it and add what
// they have. Tests have another one, which they control (tests/support/fake_system.hpp).
#pragma once

#include <zmm/base/compiler.hpp>

#include <cstddef>
#include <cstdint>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

enum class page_access : unsigned char { none, write };

/// One thread, no mapped memory, no stderr. Sizes and offsets are bytes, in whole system pages. Members do not throw, and are
/// called from any thread.
struct bare_system {
  // ---- what kind of system it is
  static constexpr bool frees_parts = true;    ///< unmap() takes any part of a mapping; else the whole mapping around `p`
  static constexpr bool has_reserves = false;  ///< address space without access costs no memory: map(none), then open()
  static constexpr std::size_t most_reserves = 8;  ///< blocks that have a reserve at a time; a power of two
  static constexpr bool takes_hints = false;       ///< map() puts a block at the hint if there is room
  static constexpr bool maps_aligned = false;      ///< map_aligned() usually aligns

  static constexpr bool variables_end_first = false;  ///< a thread's variables may be gone when its key's at_end is called
  /// The chunk of the default geometry, which a heap takes first.
  static constexpr std::size_t chunk_bytes = std::size_t{64} << 10;

  // ---- pages
  static std::size_t page_size() noexcept { return 4096; }
  /// Effects: maps fresh pages, at `hint` if possible. Returns: null if there are none.
  static void* map(void* /*hint*/, std::size_t /*bytes*/, page_access) noexcept { return nullptr; }
  /// As map(), usually aligned: callers check.
  static void* map_aligned(std::size_t /*bytes*/, std::size_t /*alignment*/, page_access) noexcept { return nullptr; }
  /// Returns: whether the system took it back.
  static bool unmap(void* /*p*/, std::size_t /*bytes*/) noexcept { return false; }
  /// Effects: makes pages without access writable; open ones stay as they are.
  static bool open(void* /*p*/, std::size_t /*bytes*/) noexcept { return false; }
  /// Effects: gives the memory of the pages back, and removes access if the system can.
  static bool close(void* /*p*/, std::size_t /*bytes*/) noexcept { return false; }
  /// Effects: gives the memory of open pages back; they stay open, with unspecified contents.
  static bool purge(void* /*p*/, std::size_t /*bytes*/) noexcept { return false; }
  /// As purge(), for pages that no block uses: locked ones, too.
  static bool drop(void* /*p*/, std::size_t /*bytes*/) noexcept { return false; }
  /// A hint: open pages are about to be written.
  static void make_ready(void* /*p*/, std::size_t /*bytes*/) noexcept {}
  /// Effects: grows the mapping [block, block + from) in place, over unused addresses.
  static bool grow(void* /*block*/, std::size_t /*from*/, std::size_t /*to*/) noexcept { return false; }
  /// Bytes that the process may map in all; SIZE_MAX: no limit that matters.
  static std::size_t most_addresses() noexcept { return ~std::size_t{0}; }

  // ---- moving without a copy
  enum class resized : unsigned char { no, yes, by_moving_only };
  /// Effects: shrinks or grows a mapping in place. Returns: by_moving_only if move_to() may do it.
  static resized resize(void* /*block*/, std::size_t /*from*/, std::size_t /*to*/) noexcept { return resized::no; }
  /// Effects: moves the pages of a block to `place`, which is mapped.
  static bool move_to(void* /*place*/, void* /*block*/, std::size_t /*from*/, std::size_t /*to*/) noexcept {
    return false;
  }
  /// Effects: reads memory that may be unmapped. Returns: whether all of it was mapped.
  static bool peek(void const* /*from*/, void* /*to*/, std::size_t /*bytes*/) noexcept { return false; }

  // ---- threads
  using thread = unsigned;         ///< trivially copied; thread{}: none
  using thread_number = unsigned;  ///< not reused while the process lives, or not soon; 0: none
  using thread_key = unsigned;     ///< key + 1 is not 0
  static thread this_thread() noexcept { return 1; }
  static thread_number this_thread_number() noexcept { return 1; }
  /// Whether the thread that had the number certainly has ended.
  static bool has_ended(thread_number) noexcept { return false; }
  /// Effects: makes a key with a value for each thread. When a thread ends, at_end is called with its value, unless null.
  static bool make_key(thread_key*, void (* /*at_end*/)(void*)) noexcept { return false; }
  static void delete_key(thread_key) noexcept {}
  static bool set_key(thread_key, void*) noexcept { return false; }
  static void* key_value(thread_key) noexcept { return nullptr; }  ///< used with variables_end_first

  /// Effects: if the word is `seen`, sleeps until wake() of that word. May also wake up without.
  /// Returns: false if `milliseconds` have passed; 0: no limit.
  static bool wait(void* /*word*/, std::uint32_t /*seen*/, long /*milliseconds*/) noexcept { return false; }
  /// Effects: wakes one or all threads that wait on the word. Does not read it.
  static void wake(void* /*word*/, bool /*all*/) noexcept {}

  // ---- processes
  using error = int;  ///< the error of the last call
  static error last_error() noexcept { return 0; }
  static void set_last_error(error) noexcept {}
  static int process_number() noexcept { return 1; }  ///< different in a forked child
  /// Effects: registers functions that are called when the process forks. Returns: whether they are; true without forks.
  static bool at_fork(void (*)(), void (* /*in_parent*/)(), void (* /*in_child*/)()) noexcept { return true; }
  /// Effects: writes random bytes. Returns: whether they cannot be predicted from outside the process.
  static bool draw(void* /*to*/, std::size_t /*bytes*/) noexcept { return false; }
  /// A value that differs from run to run, if there is one.
  static std::uint64_t moment() noexcept { return 0; }

  // ---- the C library's
  static constexpr bool tells = false;                                                      ///< tell() does something
  static bool tell(char const* /*text*/, std::size_t /*bytes*/) noexcept { return false; }  ///< on stderr
  static char const* wish(char const* /*name*/) noexcept {
    return nullptr;
  }  ///< of the environment, if that is trusted
  static void* allocate(std::size_t /*bytes*/) noexcept { return nullptr; }
  /// `alignment` is a power of two and not less than a pointer's size.
  static void* allocate_aligned(std::size_t /*bytes*/, std::size_t /*alignment*/) noexcept { return nullptr; }
  static void free(void*) noexcept {}
};

}}}  // namespace zmm::detail
