// The figures of heaps and pools.
#pragma once

#include <zmm/fwd.hpp>

#include <cstdint>

namespace zmm { inline namespace ZMM_ABI {

/// The figures of an engine. Sizes are bytes. A small block counts with its slot, a paged one with its pages. In a debug
/// heap, under a sanitizer, and where blocks are forwarded to malloc, each block counts with the size asked for.
/// Invariants: size <= peak, real_size <= real_peak, size <= real_size.
struct statistics {
  std::size_t size = 0;           ///< bytes in live blocks
  std::size_t peak = 0;           ///< highest `size` since construction or reset_peak(); see peak_exact
  std::size_t real_size = 0;      ///< bytes taken from storage; for a request: bytes taken from its pool
  std::size_t real_peak = 0;      ///< highest real_size since construction or reset_peak()
  std::size_t chunks = 0;         ///< chunks in use; for a request: slabs
  std::size_t cached_chunks = 0;  ///< empty chunks kept for reuse; for a request: 0, its pool keeps them
  std::size_t huge_blocks = 0;    ///< blocks with a mapping of their own
  std::size_t live_blocks = 0;    ///< blocks handed out and not yet freed
  bool peak_exact = false;        ///< true: `peak` is exact; false: it is the peak of carved bytes, an upper bound
};

/// The figures of a request pool. A request is in flight from its first block to its end. A request within another counts
/// as one of its own, and its bytes count in its parent's size, too.
struct pool_statistics {
  std::size_t in_flight = 0;      ///< requests that hold memory now
  std::size_t slabs_free = 0;     ///< slabs kept warm for the next requests
  std::size_t real_size = 0;      ///< bytes taken from storage
  std::size_t real_peak = 0;      ///< highest real_size
  std::size_t used = 0;           ///< bytes lent to requests: slabs, runs and huge blocks
  std::size_t chunks = 0;         ///< chunks in use
  std::size_t cached_chunks = 0;  ///< empty chunks kept for reuse
  std::uint64_t ended = 0;        ///< requests that have ended, of those that took memory from the pool
  std::size_t p50 = 0;  ///< median of the real peak of recently ended requests, to within an eighth, rounded up
  std::size_t p90 = 0;  ///< likewise, the 90th percentile
  std::size_t p99 = 0;  ///< likewise, the 99th percentile
};

}}  // namespace zmm
