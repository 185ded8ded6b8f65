// Debug heaps: what is wrong with a program's memory, and where it was allocated. docs/debugging.md leads from a
// symptom to the switch that finds it.
//
//     zmm::debug_heap heap;                          // or basic_heap<D>, where D derives from zmm::debug_options
//     void* p = heap.allocate(48);                   // notes this line
//     { zmm::label scope{"parse order"}; ... }       // for containers, whose calls do not say where they come from
//     zmm::report_leaks(heap);                       // what is live; also done by release() and the destructor
//
// zmm.hpp includes this. With other headers, include it where a heap with watch_blocks is used.
#pragma once

#include <zmm/allocator.hpp>
#include <zmm/request/request_journal.hpp>
#include <zmm/request_heap.hpp>
#include <zmm/watch/engine_visit.hpp>
#include <zmm/watch/site_ledger.hpp>
#include <zmm/watch/watch_figures.hpp>

#include <cstdio>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
template <class Options> struct debugging<Options, true> {};
}  // namespace detail

/// Effects: engines constructed from now on forward each block to malloc and free, or do not; existing ones do not change.
/// In an engine that forwards, release() and the destructor still free every block, limits and figures still hold, and
/// every call looks its block up. For the process's heap, thread_heap, its first use counts.
/// Without a call, the environment decides when the first engine is constructed: ZMM_PASSTHROUGH=1 forwards, 0 does not;
/// if it is not set, engines forward under Valgrind's memcheck.
inline void passthrough(bool on) noexcept {
  detail::forwarding_now.store(on ? detail::forwarding::on : detail::forwarding::off);
}

/// Effects: reports what is live in a debug heap now, if anything is, to the leak sink. Returns: the number of live blocks.
/// Complexity: linear in live blocks.
template <class Heap> std::size_t report_leaks(Heap const& of) noexcept {
  auto const* const watch = detail::watch_in(detail::inspected(of));
  if (watch == nullptr) return 0;
  watch->sites().report_leaks(&detail::inspected(of), *watch);
  return watch->live_blocks();
}

/// Effects: calls visit(site_figures const&) for each place that has allocated in a debug heap since its last release(). The
/// figures from before a release() stay until the next allocation, so what a request used can be read after its end.
/// visit() may use the heap. Other threads may use a synchronized heap meanwhile: the figures of each call are of one
/// moment, which a few calls in a row share.
template <class Heap, class Visit> void for_each_site(Heap const& of, Visit visit) {
  if (auto const* const watch = detail::watch_in(detail::inspected(of))) detail::for_each_site_of(*watch, visit);
}
/// The same by label: visit(site_figures const&), with file null.
template <class Heap, class Visit> void for_each_label(Heap const& of, Visit visit) {
  if (auto const* const watch = detail::watch_in(detail::inspected(of))) detail::for_each_label_of(*watch, visit);
}

/// Effects: writes where a debug heap's memory went: peak bytes by label, then the `most` places with the highest peaks.
template <class Heap> void print_usage(Heap const& of, std::FILE* to, std::size_t most = 10) {
  std::fprintf(to, "zmm: peak bytes by label in heap %p\n", static_cast<void const*>(&detail::inspected(of)));
  for_each_label(of, [&](site_figures const& f) {
    std::fprintf(to, "%12zu  %s (%zu allocations)\n", f.peak_bytes, f.label != nullptr ? f.label : "(no label)",
                 f.blocks);
  });
  std::fprintf(to, "zmm: places with the highest peaks\n");
  std::size_t below = ~std::size_t{0}, among_equal = 0;  // the last peak printed, and how many places with it
  for (; most != 0; --most) {
    site_figures next{};
    std::size_t seen = 0;
    for_each_site(of, [&](site_figures const& f) {
      bool const is_left = f.peak_bytes < below || (f.peak_bytes == below && seen++ >= among_equal);
      if (is_left && (next.blocks == 0 || f.peak_bytes > next.peak_bytes)) next = f;
    });
    if (next.blocks == 0) break;
    among_equal = next.peak_bytes == below ? among_equal + 1 : 1;
    below = next.peak_bytes;
    std::fprintf(to, "%12zu  %s:%u%s%s (%zu allocations)\n", next.peak_bytes, next.file != nullptr ? next.file : "?",
                 next.line, next.label != nullptr ? " in " : "", next.label != nullptr ? next.label : "", next.blocks);
  }
}

}}  // namespace zmm
