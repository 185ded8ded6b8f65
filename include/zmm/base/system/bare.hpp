// What zmm asks of a system, on one page: each system is a struct with these members, in a file of its own beside this
// one; base/system.hpp chooses. This one is a machine without a system, which has nothing: the others derive from it
// and say what they have. Tests have one more, which does as it is told (tests/support/fake_system.hpp).
#pragma once

#include <zmm/base/compiler.hpp>

#include <cstddef>
#include <cstdint>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

enum class page_access : unsigned char { none, write };

/// One thread, no mapped memory, nobody to tell anything. Sizes and offsets are bytes, and whole pages of the system's.
/// Members do not throw and are called from any thread.
struct bare_system {
  // ---- what kind of system it is
  static constexpr bool frees_parts = true;    ///< unmap() takes any part of a mapping; else all that `p` lies in
  static constexpr bool has_reserves = false;  ///< address space without access costs no memory: map(none), then open()
  static constexpr std::size_t most_reserves = 8;  ///< blocks that have some ahead, at a time; a power of two
  static constexpr bool takes_hints = false;       ///< map() puts a block where it is asked to, if there is room
  static constexpr bool maps_aligned = false;      ///< map_aligned() aligns as a rule

  static constexpr bool variables_end_first = false;  ///< a thread's variables may be gone when its end is told
  /// Of the default geometry: what a heap takes first.
  static constexpr std::size_t chunk_bytes = std::size_t{64} << 10;

  // ---- pages
  static std::size_t page_size() noexcept { return 4096; }
  /// Effects: maps fresh pages, at `hint` if that can be. Returns: null if there are none.
  static void* map(void* /*hint*/, std::size_t /*bytes*/, page_access) noexcept { return nullptr; }
  /// As map(), aligned as a rule: callers look.
  static void* map_aligned(std::size_t /*bytes*/, std::size_t /*alignment*/, page_access) noexcept { return nullptr; }
  /// Returns: whether the system took it back.
  static bool unmap(void* /*p*/, std::size_t /*bytes*/) noexcept { return false; }
  /// Effects: pages without access can be written; open ones stay as they are.
  static bool open(void* /*p*/, std::size_t /*bytes*/) noexcept { return false; }
  /// Effects: the memory behind the pages goes back, and they have no access any more, if the system can do that too.
  static bool close(void* /*p*/, std::size_t /*bytes*/) noexcept { return false; }
  /// Effects: the memory behind open pages goes back; they stay open, with unspecified contents.
  static bool purge(void* /*p*/, std::size_t /*bytes*/) noexcept { return false; }
  /// As purge(), of pages that are nobody's: locked ones, too.
  static bool drop(void* /*p*/, std::size_t /*bytes*/) noexcept { return false; }
  /// A wish: open pages are about to be written.
  static void make_ready(void* /*p*/, std::size_t /*bytes*/) noexcept {}
  /// Effects: the mapping [block, block + from) grows in place, over addresses that are nobody's.
  static bool grow(void* /*block*/, std::size_t /*from*/, std::size_t /*to*/) noexcept { return false; }
  /// Bytes that the process may map in all; the largest number: it does not matter.
  static std::size_t most_addresses() noexcept { return ~std::size_t{0}; }

  // ---- moving without a copy
  enum class resized : unsigned char { no, yes, by_moving_only };
  /// Effects: a mapping shrinks or grows where it is. Returns: by_moving_only where move_to() may do it.
  static resized resize(void* /*block*/, std::size_t /*from*/, std::size_t /*to*/) noexcept { return resized::no; }
  /// Effects: the pages of a block lie at `place` from now on, which was mapped.
  static bool move_to(void* /*place*/, void* /*block*/, std::size_t /*from*/, std::size_t /*to*/) noexcept {
    return false;
  }
  /// Effects: reads memory that may be gone. Returns: whether all of it was there.
  static bool peek(void const* /*from*/, void* /*to*/, std::size_t /*bytes*/) noexcept { return false; }

  // ---- threads
  using thread = unsigned;         ///< trivially copied; thread{}: none
  using thread_number = unsigned;  ///< never again while the process lives, or not soon; 0: none
  using thread_key = unsigned;     ///< key + 1 is not 0
  static thread this_thread() noexcept { return 1; }
  static thread_number this_thread_number() noexcept { return 1; }
  /// Whether the thread that had the number has ended for certain.
  static bool has_ended(thread_number) noexcept { return false; }
  /// Effects: makes a slot of each thread; at_end is called with what it holds there, unless null, when the thread ends.
  static bool make_key(thread_key*, void (* /*at_end*/)(void*)) noexcept { return false; }
  static void delete_key(thread_key) noexcept {}
  static bool set_key(thread_key, void*) noexcept { return false; }
  static void* key_value(thread_key) noexcept { return nullptr; }  ///< asked for with variables_end_first

  /// Effects: sleeps until somebody wakes it, unless the word is not `seen`. May wake up by itself.
  /// Returns: false if `milliseconds` are over; 0: that takes for ever.
  static bool wait(void* /*word*/, std::uint32_t /*seen*/, long /*milliseconds*/) noexcept { return false; }
  /// Effects: wakes who waits on the word, one or all. Reads nothing there.
  static void wake(void* /*word*/, bool /*all*/) noexcept {}

  // ---- processes
  using error = int;  ///< what the system says of the last call
  static error last_error() noexcept { return 0; }
  static void set_last_error(error) noexcept {}
  static int process_number() noexcept { return 1; }  ///< another one in a forked child
  /// Effects: each is called when the process forks. Returns: whether they will be, or there are no forks.
  static bool at_fork(void (*)(), void (* /*in_parent*/)(), void (* /*in_child*/)()) noexcept { return true; }
  /// Returns: whether the bytes are such as nobody outside the process can foretell.
  static bool draw(void* /*to*/, std::size_t /*bytes*/) noexcept { return false; }
  /// What differs from run to run, if anything does.
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

/// Special kinds of memory, and what is asked of the program itself. Apart, for their headers weigh as much as all others: chosen in
/// base/system_kinds.hpp.
struct bare_kinds {
  static constexpr bool has_huge_pages = false;      ///< the calls about huge pages do something
  static constexpr bool has_huge_page_pool = false;  ///< map_huge() may succeed
  static constexpr bool has_nodes = false;           ///< prefer_node() does something
  static constexpr bool has_zero_file = false;       ///< map_zero_file() may succeed

  static void prefer_huge_pages(void* /*p*/, std::size_t /*bytes*/) noexcept {}
  static bool avoid_huge_pages(void* /*p*/, std::size_t /*bytes*/) noexcept { return false; }
  static void make_huge_page(void* /*p*/, std::size_t /*bytes*/) noexcept {}
  /// Returns: how many of the pages are in memory; -1: not known.
  static std::ptrdiff_t resident_pages(void* /*p*/, std::size_t /*bytes*/) noexcept { return -1; }
  static void* map_huge(std::size_t /*bytes*/) noexcept { return nullptr; }
  static void prefer_node(void* /*p*/, std::size_t /*bytes*/, unsigned /*node*/) noexcept {}
  static void* map_zero_file(void* /*hint*/, std::size_t /*bytes*/, page_access) noexcept { return nullptr; }
  /// Returns: how many places of the calls that led here were written to `to`, the innermost first. Its own is among them.
  static std::size_t walk_stack(std::uintptr_t* /*to*/, std::size_t /*most*/) noexcept { return 0; }
  /// Effects: copies a part of the list of the program's mappings, as Linux writes it, from its byte `from` on.
  /// Returns: bytes; 0: that was all, or it is not known.
  static std::size_t read_mappings(std::size_t /*from*/, char* /*to*/, std::size_t /*bytes*/) noexcept { return 0; }
  /// Effects: maps a part of an open file, which has all of it, for everybody to see. Returns: null if there is not that much.
  static void* map_file(int /*file*/, std::size_t /*offset*/, std::size_t /*bytes*/) noexcept { return nullptr; }
};

}}}  // namespace zmm::detail
