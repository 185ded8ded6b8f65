// The caches of a synchronized heap: how a thread gets one and leaves it, and what a fork does to them.
#pragma once

#include <zmm/threads/synchronized_heap_own.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Caches are added to the list, and never taken off while the heap lives: so any thread may walk it at any time.
template <class Options>
template <class Visit>
void synchronized_heap_own<Options>::for_each_cache(Visit visit) const {
  // Acquire: pairs with the push in claim_or_make(); a cache that is seen is whole.
  for (cache_type* c = caches_.load(detail::memory_order_acquire); c != nullptr; c = c->next_cache) visit(*c);
}

/// Returns: this thread's cache, which is claimed or made first if it has none; null if the thread has to do without
/// one: if for want of memory, `asked` says why.
template <class Options>
ZMM_NOINLINE auto synchronized_heap_own<Options>::cache_or_join(admission& asked) noexcept -> cache_type* {
  if constexpr (host::variables_end_first) thread_end::recall();
  cache_type* own = held_cache();
  if (own == nullptr) {
    forks.attach(fork_);
    forks.attach(source_fork_);
    thread_record* const record = thread_end::record();
    if (record == nullptr || (own = claim_or_make(asked)) == nullptr) return nullptr;
    mutex_guard const guard(thread_members_lock);
    record->add(own);
  }
  lease_.note(own);
  return own;
}

/// This thread's cache, when the record's table does not tell of it; null if it has none.
template <class Options> ZMM_COLD auto synchronized_heap_own<Options>::find_held() const noexcept -> cache_type* {
  if (own_thread.record->member_count == 0) return nullptr;
  mutex_guard const guard(thread_members_lock);  // heaps that end take their caches off the list
  for (thread_member* m = own_thread.record->members; m != nullptr; m = m->next_member) {
    if (m->cache_of == this) return static_cast<cache_type*>(m);
  }
  return nullptr;
}

template <class Options>
ZMM_COLD auto synchronized_heap_own<Options>::claim_or_make(admission& asked) noexcept -> cache_type* {
  for (cache_type* c = caches_.load(detail::memory_order_acquire); c != nullptr; c = c->next_cache) {
    if (!c->holder.take()) continue;
    c->gate = {};
    return c;
  }
  find_ended();
  void* const room = central_.source().locked([&](auto& s) { return s.take_record(record_bytes, asked); });
  if (room == nullptr) return nullptr;
  // Caches of hundreds of heaps that all began at a page's start would share a few sets of the processor's caches.
  std::size_t const colour = address_of(room) / os_page_size() % ((record_bytes - sizeof(cache_type)) / 64 + 1);
  auto* const made = ::new (static_cast<char*>(room) + colour * 64) cache_type;
  this->hand_to(*made, this, central_.source().drops());
  made->cache_of = this;
  made->leave = leave_;
  made->next_cache = caches_.load(detail::memory_order_relaxed);
  // Release: a thread that finds the cache through the list finds it whole.
  while (!caches_.compare_exchange_weak(made->next_cache, made, detail::memory_order_release,
                                        detail::memory_order_relaxed)) {}
  return made;
}

/// Sometimes the heap is not told that a thread has ended (thread_end::watch says when). So a thread that finds no
/// cache to claim checks whether the holder of another one has ended: thus there are at most twice as many caches as
/// threads.
template <class Options> void synchronized_heap_own<Options>::find_ended() noexcept {
  cache_type* c = next_looked_after_.load(detail::memory_order_relaxed);
  if (c == nullptr) c = caches_.load(detail::memory_order_acquire);
  if (c == nullptr) return;
  next_looked_after_.store(c->next_cache, detail::memory_order_relaxed);
  thread_end::leave_if_ended(*c);
}

/// Called when the thread of a cache ends. Effects: the slots in the cache are available to all threads, and so is the
/// cache itself.
template <class Options> void synchronized_heap_own<Options>::leave(thread_member* m) noexcept {
  cache_type& own = static_cast<cache_type&>(*m);
  static_cast<synchronized_heap_own*>(own.cache_of)->central_.give_all(own);
  own.holder.give();
}

/// In the child of a fork: the caches of threads that are not here may be half changed. What is in them is lost.
template <class Options> void synchronized_heap_own<Options>::forget_absent() noexcept {
  for_each_cache([&](cache_type& c) {
    if (!c.holder.is_held() || c.thread == own_thread.record) return;
    thread_end::forget_absent(c);
    c.clear();
    c.holder.give();
  });
}

template <class Options> synchronized_heap_own<Options>::~synchronized_heap_own() {
  {
    mutex_guard const guard(thread_members_lock);
    for_each_cache([&](cache_type& c) {
      if (c.thread == nullptr) return;
      lease_.clear(*c.thread);
      thread_record::remove(&c);
    });
  }
  entries_in_use.give(lease_);
  for (cache_type* c = caches_.load(detail::memory_order_acquire); c != nullptr;) {
    cache_type* const next = c->next_cache;
    c->leaving.lock();  // waits for a thread that is just leaving the cache
    c->~cache_type();
    central_.source().locked([&](auto& s) { s.give_record(reinterpret_cast<char*>(c) - address_of(c) % record_bytes, record_bytes); });
    c = next;
  }
}

}}}  // namespace zmm::detail
