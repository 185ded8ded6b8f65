// Locks that are held while the process forks, so that the child finds them free, and the data they guard consistent.
#pragma once

#include <zmm/storage/mutex.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Each shared object has one; its address tells them apart.
ZMM_HIDDEN inline char this_object;

/// A lock that takes part in forks. Its callbacks run in the forking thread, which every lock lets pass meanwhile:
/// `held(owner)` when all locks of the process are held; `in_child(owner)` in the child, with all of them still held;
/// `over(owner)` before this lock is released, in parent and child. Each may be null.
/// Lies in its owner; constant-initialised.
class fork_node {
public:
  using callback = void (*)(void* owner) noexcept;

  constexpr explicit fork_node(mutex& lock, void* owner = nullptr, callback in_child = nullptr, callback held = nullptr,
                               callback over = nullptr) noexcept
      : lock_(lock), owner_(owner), in_child_(in_child), held_(held), over_(over), home_(&this_object) {}
  fork_node(fork_node const&) = delete;
  fork_node& operator=(fork_node const&) = delete;

private:
  friend class fork_registry;

  void hold() noexcept {
    is_held_ = true;
    if (held_ != nullptr) held_(owner_);
  }
  void let_go() noexcept {
    if (!is_held_) return;
    if (over_ != nullptr) over_(owner_);
    is_held_ = false;
    lock_.let_go();
  }

  mutex& lock_;
  void* owner_;
  callback in_child_, held_, over_;
  void const* home_;  ///< the shared object that this node lies in, or whose code made it
  fork_node* next_ = nullptr;
  fork_node* prev_ = nullptr;
  detail::atomic<bool> attached_{false};
  bool is_held_ = false;                  ///< for the fork that is under way
  detail::atomic<unsigned> expected_{0};  ///< threads that want to fork and wait for the lock
  detail::atomic<bool> is_leaving_{false};
};

/// The nodes of the process.
///
/// Locks may be nested in any order, because storages may use heaps. So a thread that forks does not wait long for a
/// lock while it holds others: it releases those, waits for that one, and tries again.
///
/// A fork that is under way when a shared object attaches its first node may miss it: the C library decides at the
/// beginning of a fork which handlers it runs.
class fork_registry {
public:
  /// Effects: `node` takes part in forks from now on, while the calling shared object is loaded: each one that attaches
  /// nodes registers its own fork handlers. Idempotent. Waits while another thread forks. A thread that holds locks may
  /// call this, too, but does not register the handlers: some thread has to attach a node without holding any.
  ZMM_INLINE void attach(fork_node& node) noexcept;

  /// Effects: `node` takes no part any more; its owner may be destroyed. Requires: no thread attaches it meanwhile.
  void detach(fork_node& node) noexcept {
    while (node.attached_.load(detail::memory_order_relaxed) && !try_detach(node)) os_nap();
  }
  /// Effects: detaches every node that lies in this shared object or was made by its code.
  ZMM_COLD void detach_all_of(void const* object) noexcept {
    while (fork_node* const node = first_of(object)) detach(*node);
  }

  void before() noexcept {
    if (is_forking()) {  // a fork handler forks, or several shared objects have registered handlers
      is_child_ready_ = false;
      ++nested_;
      return;
    }
    fork_node* busy = nullptr;
    for (fork_node* mine = nullptr;; mine = wait_for(*busy)) {
      lock_.hold();
      if (mine != nullptr) mine->expected_.fetch_sub(1, detail::memory_order_relaxed);
      if ((busy = take_all(mine)) == nullptr) break;
      busy->expected_.fetch_add(1, detail::memory_order_relaxed);
      let_go_of_all();
      lock_.let_go();
    }
    is_child_ready_ = false;
    forking_thread.store(host::this_thread(), detail::memory_order_relaxed);
    for (fork_node* node = first_; node != nullptr; node = node->next_) {
      if (node->is_held_) node->hold();
    }
  }

  void after(bool in_child) noexcept {
    if (!is_forking()) return;  // the handlers were registered after this fork began
    if (in_child && !is_child_ready_) make_child_ready();
    if (nested_ != 0) {
      --nested_;
      return;
    }
    let_go_of_all();
    forking_thread.store(host::thread{}, detail::memory_order_relaxed);
    lock_.let_go();
  }

private:
  /// Returns: null if every lock is held now, except for those that this thread had taken before (a storage may fork);
  /// else a node whose lock another thread has.
  fork_node* take_all(fork_node* mine) noexcept {
    if (mine != nullptr) mine->is_held_ = true;
    for (fork_node* node = first_; node != nullptr; node = node->next_) {
      if (node == mine || is_held_here(&node->lock_)) continue;
      if (!node->lock_.hold_soon()) return node;
      node->is_held_ = true;
    }
    return nullptr;
  }
  void let_go_of_all() noexcept {
    bool const is_whole = is_forking();
    for (fork_node* node = last_; node != nullptr; node = node->prev_) {
      if (is_whole) {
        node->let_go();
      } else if (node->is_held_) {
        node->is_held_ = false;
        node->lock_.let_go();
      }
    }
  }
  /// Returns: `busy`, with its lock held by this thread; null if it takes no part any more.
  static fork_node* wait_for(fork_node& busy) noexcept {
    busy.lock_.hold();
    if (!busy.is_leaving_.load(detail::memory_order_relaxed)) return &busy;
    busy.lock_.let_go();
    busy.expected_.fetch_sub(1, detail::memory_order_release);  // the node may be gone from here on
    return nullptr;
  }

  ZMM_COLD void link(fork_node& node) noexcept {
    mutex_guard const guard(lock_);
    if (node.attached_.load(detail::memory_order_relaxed)) return;
    node.prev_ = last_;
    node.next_ = nullptr;
    (last_ != nullptr ? last_->next_ : first_) = &node;
    last_ = &node;
    node.attached_.store(true, detail::memory_order_relaxed);
    if (is_forking() && node.lock_.hold_soon()) node.hold();  // a fork handler of the program's attached it
  }
  /// Returns: false if a thread that wants to fork still waits for the node's lock. Releases that lock if it is held for
  /// a fork (this runs in a fork handler then), so that the waiting thread notices.
  ZMM_COLD bool try_detach(fork_node& node) noexcept {
    mutex_guard const guard(lock_);
    node.is_leaving_.store(true, detail::memory_order_relaxed);
    node.let_go();
    if (node.expected_.load(detail::memory_order_acquire) != 0) return false;
    (node.prev_ != nullptr ? node.prev_->next_ : first_) = node.next_;
    (node.next_ != nullptr ? node.next_->prev_ : last_) = node.prev_;
    node.is_leaving_.store(false, detail::memory_order_relaxed);
    node.attached_.store(false, detail::memory_order_relaxed);
    return true;
  }
  fork_node* first_of(void const* object) noexcept {
    mutex_guard const guard(lock_);
    fork_node* node = first_;
    while (node != nullptr && node->home_ != object) node = node->next_;
    return node;
  }
  void make_child_ready() noexcept {
    is_child_ready_ = true;
    lock_.forget_waiters();  // the threads that waited do not exist in the child
    for (fork_node* node = first_; node != nullptr; node = node->next_) {
      node->expected_.store(0, detail::memory_order_relaxed);
      node->lock_.forget_waiters();
      if (node->in_child_ != nullptr) node->in_child_(node->owner_);
    }
  }

  mutex lock_{lock_rank::forks};  ///< guards the list; held while this thread takes all locks, and across the fork
  fork_node* first_ = nullptr;
  fork_node* last_ = nullptr;
  std::size_t nested_ = 0;  ///< calls of before() in the forking thread beyond the first
  bool is_child_ready_ = false;
};

ZMM_SHARED ZMM_CONSTINIT inline fork_registry forks;

/// Whether the C library calls fork handlers of this shared object. Each shared object registers its own, because they
/// go when it is unloaded.
ZMM_HIDDEN inline detail::atomic<bool> are_forks_guarded_here{false};

/// Two threads that run this at once register twice, which does no harm. If there is no memory, the next attach() tries
/// again.
ZMM_HIDDEN ZMM_COLD inline void guard_forks_here() noexcept {
  // The C library may allocate here: from a heap whose lock this thread holds, and which attaches a node itself.
  if (held_locks != nullptr) return;
  held_lock inside{&are_forks_guarded_here, [](void const*) noexcept {}, static_cast<unsigned>(lock_rank::none)};
  note_held(inside);
  bool const are_guarded = host::at_fork([]() noexcept { forks.before(); }, []() noexcept { forks.after(false); },
                                         []() noexcept { forks.after(true); });
  note_let_go(inside);
  if (are_guarded) are_forks_guarded_here.store(true, detail::memory_order_relaxed);
}

/// Runs after the destructors of this shared object's variables, perhaps once for each of its translation units.
ZMM_HIDDEN ZMM_AT_UNLOAD inline void forget_nodes_of_this_object() noexcept { forks.detach_all_of(&this_object); }

ZMM_INLINE void fork_registry::attach(fork_node& node) noexcept {
  if (ZMM_UNLIKELY(!are_forks_guarded_here.load(detail::memory_order_relaxed))) guard_forks_here();
  // Relaxed: a thread that reads true learns only that the node need not be linked. The next fork sees the link because
  // it was made under lock_, before the store.
  if (ZMM_UNLIKELY(!node.attached_.load(detail::memory_order_relaxed))) link(node);
}

}}}  // namespace zmm::detail
