// Blocks that other threads freed, on their way home.
#pragma once

#include <zmm/base/compiler.hpp>

#include <atomic>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A stack that any thread pushes chains onto and that its owner takes whole. Nobody takes single slots off, so the
/// head may change and change back between a pusher's load and its exchange (ABA) without harm: whatever the head is
/// then, it is what the chain is linked to.
///
/// `Slot` has a member `next`. `Atomic` is std::atomic, or in tests one that enumerates interleavings.
template <class Slot, template <class> class Atomic = std::atomic> class remote_list {
public:
  /// Effects: pushes the chain from `first` to `last`, in one piece. Any thread. Complexity: one exchange, unless
  /// others push at the same moment.
  void push(Slot* first, Slot* last) noexcept {
    push(first, [last](Slot* head) { last->next = head; });
  }
  /// The same where `link_last(head)` links the last slot of the chain to `head`.
  template <class LinkLast> void push(Slot* first, LinkLast link_last) noexcept {
    Slot* head = head_.load(std::memory_order_relaxed);
    do {
      link_last(head);
      // Release: whoever takes the chain sees its links, and everything done to the blocks before they were freed.
      // Later pushes are read-modify-writes of the same head, so they continue this release sequence.
    } while (!head_.compare_exchange_weak(head, first, std::memory_order_release, std::memory_order_relaxed));
  }

  /// Returns: everything pushed so far, newest first; null if there is nothing. The owner only.
  Slot* take_all() noexcept {
    // Most often there is nothing: a plain load spares the exchange. What it misses is found the next time.
    if (head_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    return head_.exchange(nullptr, std::memory_order_acquire);  // pairs with the releases in push()
  }

  /// What take_all() would return, left where it is: only the owner takes, so the chain stays. The owner only.
  Slot* peek() const noexcept { return head_.load(std::memory_order_acquire); }

  /// Effects: forgets everything. Nobody may push meanwhile.
  void reset() noexcept { head_.store(nullptr, std::memory_order_relaxed); }

private:
  Atomic<Slot*> head_{nullptr};
};

}}}  // namespace zmm::detail
