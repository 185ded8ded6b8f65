// What a debug heap has left over, as data and as text.
#pragma once

#include <zmm/base/checks.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace zmm { inline namespace ZMM_ABI {

/// Blocks that were allocated at one place and are still live. Bytes as they were asked for.
struct leak {
  char const* file;  ///< null: the call did not say, as a container's does not
  unsigned line;
  char const* label;           ///< the innermost zmm::label then; null: none
  void const* first;           ///< the oldest of the blocks
  std::size_t first_bytes;     ///< its size
  std::uint64_t first_number;  ///< which allocation of the heap it was, counted from 1
  std::size_t blocks;          ///< how many
  std::size_t bytes;           ///< of all of them
};

/// All that one heap has left over.
struct leak_report {
  void const* heap;
  leak const* leaks;  ///< in the order of their first allocation; readable while the sink runs
  std::size_t count;  ///< of places
  std::size_t blocks, bytes;
};

/// Effects: writes the report: for each place its first block, and how often it was repeated; then the total.
inline void print(leak_report const& report, std::FILE* to) noexcept {
  std::fprintf(to, "zmm: heap %p ends with live blocks\n", report.heap);
  for (std::size_t i = 0; i < report.count; ++i) {
    leak const& l = report.leaks[i];
    bool const is_named = l.label != nullptr;
    if (l.file != nullptr) std::fprintf(to, "%s(%u) : ", l.file, l.line);
    else std::fprintf(to, "(place not known) : ");
    std::fprintf(to, "%zu bytes at %p%s%s\n", l.first_bytes, l.first, is_named ? ", in " : "", is_named ? l.label : "");
    if (l.blocks > 1) std::fprintf(to, "  repeated %zu times, %zu bytes in all\n", l.blocks - 1, l.bytes);
  }
  std::fprintf(to, "=== %zu %s leaked, %zu bytes ===\n", report.blocks, report.blocks == 1 ? "block" : "blocks",
               report.bytes);
}

/// Called with what a debug heap has left over when it is released or ends. Allocates nothing in that heap.
using leak_sink = void (*)(leak_report const&) noexcept;

namespace detail {
inline void print_leaks(leak_report const& report) noexcept { print(report, stderr); }
ZMM_SHARED inline detail::atomic<leak_sink> current_leak_sink{&print_leaks};
}  // namespace detail

/// Effects: makes `sink` the one that debug heaps report to; null: the default, which prints to stderr.
/// Returns: the sink before. Thread-safe.
inline leak_sink set_leak_sink(leak_sink sink) noexcept {
  return detail::current_leak_sink.exchange(sink != nullptr ? sink : &detail::print_leaks,
                                            detail::memory_order_acq_rel);
}

}}  // namespace zmm
