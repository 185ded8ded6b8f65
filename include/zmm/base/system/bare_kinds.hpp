// Special kinds of memory, and information about the program, of a machine that has none.
#pragma once

#include <zmm/base/system/bare.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Special kinds of memory, and information about the program. Separate, because their headers weigh as much as all others;
/// base/system_kinds.hpp chooses.
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
  /// Effects: writes the return addresses of the calls that led here to `to`, innermost first, with its own. Returns: how many.
  static std::size_t walk_stack(std::uintptr_t* /*to*/, std::size_t /*most*/) noexcept { return 0; }
  /// Effects: copies a part of the list of the program's mappings, in Linux's format, from byte `from` on.
  /// Returns: bytes; 0: no more, or not known.
  static std::size_t read_mappings(std::size_t /*from*/, char* /*to*/, std::size_t /*bytes*/) noexcept { return 0; }
  /// Effects: maps a part of an open file, shared, and makes sure that the file has all of it. Returns: null if it cannot.
  static void* map_file(int /*file*/, std::size_t /*offset*/, std::size_t /*bytes*/) noexcept { return nullptr; }
};

}}}  // namespace zmm::detail
