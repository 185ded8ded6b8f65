// How threads leave what they hold when they end.
#pragma once

#include <zmm/storage/fork_guard.hpp>
#include <zmm/storage/own_record.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A thread key of the system's, as pthread_key_create() makes. Each shared object makes at most one.
class end_key {
public:
  using key = host::thread_key;
  /// Returns: the key plus one; 0: there is none left.
  key make(void (*at_end)(void*)) noexcept {
    if (key const there = number_.load(detail::memory_order_acquire)) return there;
    key made{};
    if (!host::make_key(&made, at_end)) return 0;
    key none = 0;
    if (number_.compare_exchange_strong(none, made + 1, detail::memory_order_acq_rel)) return made + 1;
    host::delete_key(made);
    return none;
  }
  key number() const noexcept { return number_.load(detail::memory_order_acquire); }
  void end() noexcept {
    if (key const there = number_.exchange(0)) host::delete_key(there - 1);
  }

private:
  detail::atomic<key> number_{0};
};
ZMM_HIDDEN inline end_key key_of_this_object;

/// Makes threads leave what they hold when they end: after the destructors of their thread_local variables, which may
/// still allocate and free. A thread that uses a heap later, in the destructor of another key, leaves once more.
///
/// The system must not call code that is gone. So a key is deleted when the shared object with its code is unloaded or
/// the program ends, and the next thread to be watched makes another. These functions have to run in the one object that
/// the whole process shares them from, which most often is the program. So none is inlined, and each is ZMM_SHARED
/// itself: -fvisibility-inlines-hidden hides inline members even of a visible class.
///
/// No lock is held while the C library is called. It may allocate (it keeps a thread's values of keys from the 33rd on in
/// memory of their own), perhaps from the heap that the thread is about to use.
class ZMM_SHARED thread_end {
public:
  /// Effects: this thread will leave what it holds at its end. Requires: the caller does not hold thread_members_lock.
  /// Returns: whether it will. False if the system has no key left, or no memory, and in a call from inside another one
  /// of the same thread. After false, the thread must not hold anything; the caller may try again.
  ///
  /// The C library runs a thread's key destructors in PTHREAD_DESTRUCTOR_ITERATIONS rounds. A thread that calls this for
  /// the first time in the last round gets true, yet ends without leaving: nothing says which round it is. So what a
  /// thread holds does not lie in its thread_local memory, and leave_if_ended() finds such threads later.
  ZMM_NOINLINE ZMM_SHARED static bool watch() noexcept {
    if (is_held_here(&current_key)) return false;
    forks.attach(members_fork);
    held_lock inside{&current_key, [](void const*) noexcept { users.fetch_sub(1); },
                     static_cast<unsigned>(lock_rank::none)};
    // Sequentially consistent, as in forget(): either forget() waits for this thread, or this one does not see the key.
    users.fetch_add(1);
    note_held(inside);
    bool const is_told = set_key();
    note_let_go(inside);
    users.fetch_sub(1);
    return is_told;
  }

  /// Returns: this thread's record, made if it has none; null: no memory, or watch() failed.
  /// Requires: as watch().
  static thread_record* record() noexcept {
    if constexpr (host::variables_end_first) recall();
    if (!watch()) return nullptr;
    if (own_thread.record != &no_record) return own_thread.record;
    thread_record* made = take_free();
    if (made == nullptr) {
      std::size_t const bytes = align_up(sizeof(thread_record), os_page_size());
      void* const room = os_storage().allocate(bytes, os_page_size(), bytes);
      if (room == nullptr) return nullptr;
      made = ::new (room) thread_record;
    }
    made->number = host::this_thread_number();
    own_thread.record = made;
    if constexpr (host::variables_end_first) watch();  // now with the record, which the key holds there
    return made;
  }

  /// Effects: a thread whose thread_local variables are gone finds its record again, as the value of its key.
  static void recall() noexcept {
    end_key* const current = current_key.load();
    if (own_thread.record != &no_record || current == nullptr || current->number() == 0) return;
    if (void* const kept = host::key_value(current->number() - 1)) own_thread.record = static_cast<thread_record*>(kept);
  }

  /// Effects: if the thread that holds `m` ended without leaving, leaves all that it held, in its place. Requires: no lock
  /// is held; the member's owner lives. Complexity: a system call.
  ZMM_COLD static void leave_if_ended(thread_member& m) noexcept {
    thread_record* ended = nullptr;
    {
      mutex_guard const guard(thread_members_lock);
      if (m.thread == nullptr || m.thread->number == 0 || !has_ended(m.thread->number)) return;
      ended = m.thread;
      ended->number = 0;  // no other thread finds it now
    }
    leave(*ended);
  }
  /// In the child of a fork(). Effects: no thread holds a member whose thread does not exist in the child.
  static void forget_absent(thread_member& m) noexcept {
    m.thread = nullptr;
    m.next_member = nullptr;
    ::new (&m.leaving) mutex(lock_rank::leaving);
  }

  /// Effects: stops using `gone`, the key of a shared object that is unloaded, and deletes it.
  ZMM_COLD static void forget(end_key& gone) noexcept {
    end_key* expected = &gone;
    current_key.compare_exchange_strong(expected, nullptr);
    while (users.load() > users_here()) os_nap();
    gone.end();
  }

private:
  /// Whether the thread of this process that had this number certainly has ended: no thread has the number now.
  static bool has_ended(host::thread_number thread) noexcept {
    last_error_guard const keep;
    return host::has_ended(thread);
  }
  /// How many users this thread is: 1 inside watch(), where the C library may call an allocator that forks or exits.
  static unsigned users_here() noexcept { return is_held_here(&current_key) ? 1 : 0; }

  static void* what_is_told() noexcept {
    if constexpr (host::variables_end_first) return own_thread.record;
    return &own_thread;
  }
  static bool set_key() noexcept {
    end_key* current = current_key.load();
    if (current == nullptr) {
      if (key_of_this_object.make(&leave_all) == 0) return false;
      if (current_key.compare_exchange_strong(current, &key_of_this_object)) current = &key_of_this_object;
    }
    return host::set_key(current->number() - 1, what_is_told());
  }

  ZMM_NOINLINE ZMM_SHARED static void leave_all(void* of) noexcept {
    constexpr bool is_record = host::variables_end_first;
    thread_record* const record = is_record ? static_cast<thread_record*>(of) : static_cast<thread_locals*>(of)->record;
    if (record == &no_record) return;
    thread_locals& own = is_record ? own_thread : *static_cast<thread_locals*>(of);
    own.record = const_cast<thread_record*>(&no_record);
    if constexpr (is_record) static_cast<void>(set_key());  // so that recall() does not find it
    leave(*record);
  }

  /// Leaves each member with no lock held but its own `leaving`: a heap's storage may call into here again.
  static void leave(thread_record& record) noexcept {
    while (thread_member* const m = take_member(record)) {
      held_lock held{&m->leaving, [](void const* l) noexcept { static_cast<mutex*>(const_cast<void*>(l))->unlock(); },
                     static_cast<unsigned>(lock_rank::leaving)};
      note_held(held);
      m->leave(m);
      note_let_go(held);
      m->leaving.unlock();  // the heap, and the member in it, may be gone from here on
    }
    record.forget();
    mutex_guard const guard(thread_members_lock);
    record.number = 0;
    record.next_free = free_records;
    free_records = &record;
  }
  static thread_member* take_member(thread_record& record) noexcept {
    mutex_guard const guard(thread_members_lock);
    thread_member* const m = record.members;
    if (m == nullptr) return nullptr;
    m->leaving.lock();  // free: the heap takes it only after the member was removed
    thread_record::remove(m);
    return m;
  }
  static thread_record* take_free() noexcept {
    mutex_guard const guard(thread_members_lock);
    thread_record* const record = free_records;
    if (record != nullptr) free_records = record->next_free;
    return record;
  }
  static void in_child() noexcept {
    users.store(users_here());  // other threads do not exist in the child
    if (own_thread.record != &no_record) own_thread.record->number = host::this_thread_number();
  }

  static inline detail::atomic<end_key*> current_key{nullptr};  ///< the key that threads set now
  static inline detail::atomic<unsigned> users{0};              ///< threads that use it at the moment
  ZMM_CONSTINIT static inline fork_node members_fork{thread_members_lock, nullptr, [](void*) noexcept { in_child(); }};
};

/// Runs after the destructors of this shared object's variables, perhaps once for each of its translation units.
ZMM_HIDDEN ZMM_AT_UNLOAD inline void forget_key_of_this_object() noexcept { thread_end::forget(key_of_this_object); }

}}}  // namespace zmm::detail
