// The heap: Zend's chunks, pages and bins, for one thread at a time.
#pragma once

#include <zmm/heap/heap_own.hpp>
#include <zmm/storage/os_storage.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// General heap: blocks live as long as they like, any can be freed, memory that is free again can be collected and
/// returned. Everything can be dropped at once with release(). Owns no memory until the first allocation; every block, chunk
/// and huge block goes back to storage when it ends.
///
/// A block is *small* (at most options::largest_slot bytes, usually 32 KiB, once its size is rounded up to its alignment: a
/// slot of a bin) or *paged* (a run of pages up to large_limit, or huge, with a mapping of its own). Alignment: every
/// power of two.
///
/// Complexity: small blocks are taken and freed in O(1), amortised over the slots of a run; paged ones in O(pages / 64).
/// release() keeps one chunk, and as many more as Zend's running average says, for what comes next. trim() gives back
/// cached chunks, huge blocks that were kept, and the memory behind free pages, runs of slots above 3072 bytes that are
/// free included. collect() finds runs without a live slot and
/// frees their pages; it is linear in the slots freed since the last one, and in the free slots of chunks of which a run
/// goes back. It runs by itself before the heap grows, when that is paid for.
///
/// Threads: one at a time. May be handed to another thread with the usual happens-before.
/// Neither copyable nor movable: chunks know the address of their heap.
template <class Options> class basic_heap : public detail::address_engine_over<detail::heap_own<Options>> {
  using engine = detail::address_engine_over<detail::heap_own<Options>>;

public:
  basic_heap() noexcept : basic_heap(os_storage()) {}
  explicit basic_heap(storage& from) noexcept : engine(typename engine::decided{}, from) {}
};

}}  // namespace zmm
