// The heap for any thread.
#pragma once

#include <zmm/base/immortal.hpp>
#include <zmm/storage/os_storage.hpp>
#include <zmm/threads/synchronized_heap_own.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// General heap for any number of threads at once: any of them allocates, any of them frees, whoever allocated. A thread
/// works in a *cache* of its own, without a lock and without an atomic read-modify-write, whoever it has blocks from: a free
/// slot belongs to nobody. Full magazines of free slots pass between threads through depots; what overflows there, runs and
/// chunks are under a lock. Threads wait for it in the system, not spinning.
///
/// A thread's cache holds at most two magazines for each size (64 slots or 32 KiB each), and the rest of a run that it began.
/// When the thread ends its cache is emptied and left to the next thread. A thread whose end nobody would tell of, because the
/// system has no key left for that, works without a cache, under the lock.
///
/// Threads: any, at once, except construction, destruction, release() and verify(), during which no other thread is
/// inside. A thread may end before or after the heap. Storage is called by one thread at a time. In the child of a
/// fork() the heap goes on, and all blocks can be used and freed there; only what absent threads had in their caches stays
/// unused.
///
/// The hook of on_limit() is called on the thread that reached the limit, by several at once if they do; limits are lifted for
/// the calling thread. release() caches every chunk or gives it back. collect() empties this thread's cache first; what other
/// threads have in theirs stays there. stats() is exact but for those: what is free there counts as live, so `size` and
/// `live_blocks` are upper bounds while there are any; `peak` is that of carved bytes; real_size() is exact at every moment.
/// visit() tells of what may lie in caches of other threads as not certain.
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
