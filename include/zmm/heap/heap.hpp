// The heap: Zend's chunks, pages and bins, for one thread at a time.
#pragma once

#include <zmm/heap/heap_own.hpp>
#include <zmm/storage/os_storage.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// The general heap: any block can be freed at any time, and free memory can be collected and given back. release() frees
/// every block at once. Takes no memory until the first allocation; the destructor gives every chunk and huge block back to
/// storage.
///
/// A block is *small* (at most options::largest_slot bytes, usually 32 KiB, once its size is rounded up to its alignment: a
/// slot of a bin) or *paged* (a run of pages up to large_limit, or huge, with a mapping of its own). Alignment: every
/// power of two.
///
/// Complexity: small blocks are allocated and freed in O(1), amortised over the slots of a run; paged ones in
/// O(pages / 64). release() keeps one chunk, and as many more as Zend's running average says. trim() gives back cached
/// chunks, huge blocks that were kept, and the memory of free pages and of free runs, except of Zend's bins. collect() finds
/// runs without a live slot and frees their pages. It is linear in the slots freed since the last one, and in the free slots of chunks of which a run goes back. It
/// also runs before the heap grows, if enough was taken since the last one.
///
/// Threads: one at a time; another thread may use it later, with the usual happens-before.
/// Neither copyable nor movable: chunks store the address of their heap.
template <class Options> class basic_heap : public detail::address_engine_over<detail::heap_own<Options>> {
  using engine = detail::address_engine_over<detail::heap_own<Options>>;

public:
  basic_heap() noexcept : basic_heap(os_storage()) {}
  explicit basic_heap(storage& from) noexcept : engine(typename engine::decided{}, from) {}
};

}}  // namespace zmm
