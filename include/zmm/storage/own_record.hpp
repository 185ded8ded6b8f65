// What each thread knows: its part of the heaps it has worked in, and that it leaves them when it ends.
#pragma once

#include <zmm/storage/fork_guard.hpp>

#include <cstdint>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct thread_record;

/// A node in the list of what a thread holds. Guarded by `thread_members_lock`, but for what only the holder looks at.
struct thread_member {
  /// Called when the thread ends, with the lock held.
  void (*leave)(thread_member*) noexcept = nullptr;
  void* part_of = nullptr;          ///< the heap
  thread_record* thread = nullptr;  ///< who holds it; null: nobody
  thread_member* next_member = nullptr;
  thread_member** link = nullptr;  ///< the place that points here
};

/// Stands in every record where the thread has no part: read as one, its lists are all empty, so that an allocation
/// misses without having asked whether there is a part. Nobody writes to it.
struct alignas(64) no_part_type {
  unsigned char zeros[4096];
};
ZMM_SHARED inline constexpr no_part_type no_part{};

/// One for each thread: what leads from a heap to the thread's part of it.
///
/// Most heaps have an *entry of their own* (entry_lease), which holds this thread's part or no_part: nothing else has to be
/// compared. A heap that ends takes its parts out of every thread's record before its entry can be another's. Heaps
/// beyond those share a few entries, which tell the heap by its generation: no other heap of the process ever has it, so
/// an entry of a heap that is gone is never mistaken for another's, wherever that lies.
struct thread_record {
  static constexpr std::size_t own_entries = 16;
  static constexpr std::size_t shared_entries = 4;

  struct shared_entry {
    std::uint64_t generation;
    void* part;
  };

  void const* parts[own_entries + 1];  ///< the last one stays no_part, for heaps without an entry of their own
  shared_entry shared[shared_entries];
  thread_member* members;

  constexpr thread_record() noexcept : parts{}, shared{}, members(nullptr) { forget_parts(); }
  constexpr void forget_parts() noexcept {
    for (void const*& part : parts) part = &no_part;
    for (shared_entry& entry : shared) entry = {};
  }

  /// Requires: thread_members_lock is held.
  void add(thread_member* m) noexcept {
    m->thread = this;
    m->next_member = members;
    m->link = &members;
    if (members != nullptr) members->link = &m->next_member;
    members = m;
  }
  static void remove(thread_member* m) noexcept {
    if (m->next_member != nullptr) m->next_member->link = m->link;
    *m->link = m->next_member;
    m->thread = nullptr;
  }
};

/// Held while lists of members change, and across a fork. No other lock is taken while it is held.
ZMM_SHARED inline spin_lock thread_members_lock;
ZMM_SHARED inline fork_node thread_members_fork{nullptr, [](void*) noexcept { thread_members_lock.lock(); },
                                                [](void*) noexcept { thread_members_lock.unlock(); },
                                                [](void*) noexcept { thread_members_lock.unlock(); }};
ZMM_THREAD_LOCAL thread_record own_record{};

/// One of each shared object: tells them apart.
[[gnu::visibility("hidden")]] inline char this_object;

/// Has threads leave what they hold when they end: after the destructors of their thread_local variables, which may
/// still allocate and free. A thread that comes back later, in a destructor of another key, leaves once more.
///
/// The system must not call code that is gone. So the key is deleted when the shared object unloads, or the program
/// ends, that its code lies in, and the next thread that is to be watched makes another. Nothing here is inlined: it is
/// to run in the object that all the others of the process share it from, which as a rule is the program; so each of the
/// two functions is ZMM_SHARED itself: -fvisibility-inlines-hidden hides inline members of a visible class.
class ZMM_SHARED thread_end {
public:
  /// Effects: this thread will leave what it holds. Requires: the caller holds no lock.
  ZMM_NOINLINE ZMM_SHARED static void watch() noexcept {
    watch_unloading();
    forks.attach(thread_members_fork);
    spin_guard const guard(thread_members_lock);
    if (code_of_key == nullptr && zmm_key_create(&key, &leave_all) == 0) code_of_key = &this_object;
    if (code_of_key != nullptr) zmm_key_set(key, &own_record);
  }

private:
  class unloading {
  public:
    unloading() noexcept = default;
    ~unloading() {
      spin_guard const guard(thread_members_lock);
      if (code_of_key != &this_object) return;
      zmm_key_delete(key);
      code_of_key = nullptr;
    }
    unloading(unloading const&) = delete;
    unloading& operator=(unloading const&) = delete;
  };
  [[gnu::visibility("hidden")]] static void watch_unloading() noexcept { static unloading const of_this_object; }

  ZMM_NOINLINE ZMM_SHARED static void leave_all(void* of) noexcept {
    auto& record = *static_cast<thread_record*>(of);
    spin_guard const guard(thread_members_lock);
    while (thread_member* const m = record.members) {
      thread_record::remove(m);
      m->leave(m);
    }
    record.forget_parts();
  }

  // Guarded by thread_members_lock.
  static inline void const* code_of_key = nullptr;  ///< the object that made the key; null: there is none
  static inline os_thread_key key{};
};

}}}  // namespace zmm::detail
