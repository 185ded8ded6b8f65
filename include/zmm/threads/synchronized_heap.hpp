// The heap for any thread.
#pragma once

#include <zmm/base/immortal.hpp>
#include <zmm/storage/os_storage.hpp>
#include <zmm/threads/synchronized_heap_own.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// General heap for any number of threads at once: any thread may allocate, and any may free a block, whichever thread
/// allocated it. A thread works in a *cache* of its own, without a lock and without an atomic read-modify-write,
/// wherever its blocks come from: a free slot belongs to no thread. Full magazines of free slots pass between threads
/// through depots; a lock guards what overflows there, runs and chunks. A thread that waits for the lock spins for a
/// few instructions and then sleeps.
///
/// A thread's cache holds at most two magazines for each size (64 slots or 32 KiB each), and the rest of a run that it began.
/// When the thread ends its cache is emptied and left to the next thread. A thread whose end the heap would not be told
/// of, because the system has no key left for that, works without a cache, under the lock.
///
/// Threads: any, at once, except construction, destruction, release() and verify(), during which no other thread is
/// inside. A thread may end before or after the heap. Storage is called by one thread at a time. In the child of a
/// fork() the heap goes on, and all blocks can be used and freed there; only what threads that are not in the child had
/// in their caches stays unused.
///
/// The hook of on_limit() is called on the thread that reached the limit, on several at once if several reach it;
/// limits are lifted for the calling thread. release() caches every chunk or gives it back. collect() empties this
/// thread's cache first; what other threads have in theirs stays there. stats() is exact except for these: free slots
/// in them count as live, so `size` and `live_blocks` are upper bounds while other threads have caches; `peak` is that
/// of carved bytes and huge blocks; real_size() is exact at every moment. While other threads have caches, visit()
/// reports small blocks as not certain.
template <class Options>
class basic_synchronized_heap : public detail::address_engine_over<detail::synchronized_heap_own<Options>> {
  using engine = detail::address_engine_over<detail::synchronized_heap_own<Options>>;

public:
  basic_synchronized_heap() noexcept : basic_synchronized_heap(os_storage()) {}
  explicit basic_synchronized_heap(storage& from) noexcept
      : engine(typename engine::decided{}, from, detail::entries_in_use.take()) {}

private:
  friend class thread_heap;
  friend union detail::immortal<basic_synchronized_heap>;

  constexpr basic_synchronized_heap(storage& from, detail::entry_lease lease) noexcept
      : engine(typename engine::undecided{}, from, lease) {}
};

}}  // namespace zmm
