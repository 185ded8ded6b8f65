// Locks that are held while the process forks, so that the child finds them free and what they guard whole.
#pragma once

#include <zmm/storage/spin_lock.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// What takes part in a fork. `before(owner)` takes the owner's locks; `parent(owner)` and `child(owner)` let go of
/// them on either side. `first(owner)` takes a lock that others' locks are taken inside, and runs before any `before`;
/// `last(owner)` lets go of it. All run in the forking thread; the child has no other. Lies in its owner;
/// constant-initialised.
class fork_node {
public:
  using callback = void (*)(void* owner) noexcept;

  constexpr fork_node(void* owner, callback before, callback parent, callback child, callback first = nullptr,
                      callback last = nullptr) noexcept
      : owner_(owner), before_(before), parent_(parent), child_(child), take_first_(first), let_go_last_(last) {}
  fork_node(fork_node const&) = delete;
  fork_node& operator=(fork_node const&) = delete;

private:
  friend class fork_registry;

  void* owner_;
  callback before_, parent_, child_, take_first_, let_go_last_;
  fork_node* next_ = nullptr;
  fork_node* prev_ = nullptr;
  std::atomic<bool> attached_{false};
};

/// The nodes of the process. Before a fork they are held in the order in which they were attached, the innermost one
/// last; afterwards they are let go of in reverse. So a lock that is taken inside another one belongs to a node that
/// attached later, or to the innermost node.
///
/// A fork that has already begun when the very first node attaches may not see it: the C library decides at its
/// beginning what it runs.
class fork_registry {
public:
  /// Effects: `node` takes part in forks from now on. Idempotent; a relaxed load when it already does. While another
  /// thread forks, waits for that.
  /// Requires: the caller holds no lock that a node's `before` takes.
  void attach(fork_node& node) noexcept {
    // Relaxed: who reads true only learns that the node need not be linked. That the next fork sees the link follows
    // from lock_, under which it was made before the store.
    if (ZMM_UNLIKELY(!node.attached_.load(std::memory_order_relaxed))) attach_new(node);
  }

  /// Effects: `node` takes no part any more; its owner may go. Requires: as attach(); and nobody attaches it meanwhile.
  void detach(fork_node& node) noexcept {
    if (!node.attached_.load(std::memory_order_relaxed)) return;
    spin_guard const guard(lock_);
    (node.prev_ != nullptr ? node.prev_->next_ : first_) = node.next_;
    (node.next_ != nullptr ? node.next_->prev_ : last_) = node.prev_;
    node.attached_.store(false, std::memory_order_relaxed);
  }

  /// Effects: as attach(), for the one node whose lock may be taken inside any other's; it is never detached. Waits for
  /// nobody who forks, so the caller may hold locks of attached nodes.
  void attach_innermost(fork_node& node) noexcept {
    if (ZMM_LIKELY(innermost_.load(std::memory_order_relaxed) == &node)) return;
    register_once();
    innermost_.store(&node, std::memory_order_release);  // the fork that reads it sees the node whole
  }

private:
  ZMM_COLD void attach_new(fork_node& node) noexcept {
    register_once();
    spin_guard const guard(lock_);
    if (node.attached_.load(std::memory_order_relaxed)) return;
    node.prev_ = last_;
    node.next_ = nullptr;
    (last_ != nullptr ? last_->next_ : first_) = &node;
    last_ = &node;
    node.attached_.store(true, std::memory_order_relaxed);
  }

  /// Without memory for the registration forks go unguarded until a later attach succeeds.
  void register_once() noexcept;

  void before() noexcept {
    // Registered twice (see register_once): the second call is nested in the first.
    if (forking_.load(std::memory_order_relaxed) == zmm_thread_self()) {
      ++nested_;
      return;
    }
    lock_.lock();
    forking_.store(zmm_thread_self(), std::memory_order_relaxed);
    for (fork_node* node = first_; node != nullptr; node = node->next_) {
      if (node->take_first_ != nullptr) node->take_first_(node->owner_);
    }
    for (fork_node* node = first_; node != nullptr; node = node->next_) node->before_(node->owner_);
    // Acquire: with the store in attach_innermost(). Read once, so that after() lets go of what was held here.
    held_innermost_ = innermost_.load(std::memory_order_acquire);
    if (held_innermost_ != nullptr) held_innermost_->before_(held_innermost_->owner_);
  }

  void after(fork_node::callback fork_node::*side) noexcept {
    if (nested_ != 0) {
      --nested_;
      return;
    }
    if (held_innermost_ != nullptr) (held_innermost_->*side)(held_innermost_->owner_);
    for (fork_node* node = last_; node != nullptr; node = node->prev_) (node->*side)(node->owner_);
    for (fork_node* node = last_; node != nullptr; node = node->prev_) {
      if (node->let_go_last_ != nullptr) node->let_go_last_(node->owner_);
    }
    forking_.store(os_thread{}, std::memory_order_relaxed);
    lock_.unlock();
  }

  void after_in_parent() noexcept { after(&fork_node::parent_); }
  void after_in_child() noexcept { after(&fork_node::child_); }

  spin_lock lock_;  ///< guards the list; held from before() to after()
  fork_node* first_ = nullptr;
  fork_node* last_ = nullptr;
  std::atomic<fork_node*> innermost_{nullptr};
  fork_node* held_innermost_ = nullptr;  ///< of the fork that is under way
  std::atomic<os_thread> forking_{};     ///< the thread that holds lock_ across a fork
  std::size_t nested_ = 0;               ///< calls of before() in that thread beyond the first
  std::atomic<int> registering_{0};      ///< the process of which a thread registers
  std::atomic<bool> registered_{false};
};

ZMM_SHARED inline fork_registry forks;  // constant-initialised

ZMM_COLD inline void fork_registry::register_once() noexcept {
  if (registered_.load(std::memory_order_relaxed)) return;
  // A child that is forked while another thread is in here finds its parent's number, and registers itself: for the
  // second time if its parent's call was just ending.
  int const self = os_process_id();
  for (int who = 0; !registering_.compare_exchange_weak(who, self, std::memory_order_acquire);) {
    if (registered_.load(std::memory_order_relaxed)) return;  // nothing is read on the strength of it
    if (who == self) {
      who = 0;
      os_yield();
    }
  }
  if (!registered_.load(std::memory_order_relaxed)) {
    int const failed = zmm_at_fork([]() noexcept { forks.before(); }, []() noexcept { forks.after_in_parent(); },
                                   []() noexcept { forks.after_in_child(); });
    registered_.store(failed == 0, std::memory_order_relaxed);
  }
  registering_.store(0, std::memory_order_release);
}

}}}  // namespace zmm::detail
