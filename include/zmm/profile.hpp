// Profiles of heaps, in files that common tools open. docs/profiling.md is the guide.
//
//     zmm::write_profile(heap, zmm::profile_format::pprof, file);      // go tool pprof, speedscope, Perfetto, Grafana
//
// A debug heap has every place and label that allocated, a sampled heap the stacks of samples. A profile of any other heap
// has kinds of memory and sizes.
#pragma once
#include <zmm/inspect/gperftools.hpp>
#include <zmm/inspect/pprof.hpp>
#include <zmm/inspect/profile_text.hpp>

namespace zmm { inline namespace ZMM_ABI {

enum class profile_format : unsigned char {
  pprof,       ///< profile.proto, gzipped: alloc_objects, alloc_space, inuse_objects, inuse_space
  folded,      ///< "label;place bytes" lines of what is live: flame graphs
  heaptrack,   ///< heaptrack's interpreted file: an event for each live block
  massif,      ///< the format of Valgrind's massif: one snapshot
  gperftools,  ///< gperftools' and jemalloc's text, for google-pprof and jeprof: objects and space, live and allocated
};

/// Effects: writes who has the memory of an engine, a face, a pool or the process's heap (thread_heap{}), to a FILE* or to a
/// function bool(char const* bytes, std::size_t count), which is called with up to 2 KiB at a time. Lines are, in a debug heap,
/// places ("order.cpp:41") under their labels, all of one moment; in a sampled heap, stacks of samples; else kinds of memory and
/// sizes of slots. Sums of live blocks and bytes are those of stats(), in a sampled heap estimates of them.
/// Returns: whether there was memory for all of it, and all of it arrived; a FILE* is flushed for that. Allocates nothing in
/// `x`: 80 bytes for each place come from the system.
/// Complexity: linear in places, for heaptrack in live blocks; without a watch or samples as visit().
template <class X, class To> bool write_profile(X const& x, profile_format format, To&& to) {
  detail::profile_data const data(detail::inspected(x));
  bool const is_written = detail::write_text(to, [&](detail::text_out& out) {
    switch (format) {
    case profile_format::pprof: return detail::write_pprof(data, out);
    case profile_format::folded: return detail::write_folded(data, out);
    case profile_format::heaptrack: return detail::heaptrack_writer(data, out).write();
    case profile_format::massif: return detail::massif_writer(data, out).write();
    case profile_format::gperftools: return detail::gperftools_writer(data, out).write();
    }
  });
  return is_written && data.is_whole();
}

}}  // namespace zmm
