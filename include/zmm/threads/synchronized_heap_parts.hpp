// The parts of a synchronized heap: how a thread comes to one, leaves it, and what a fork does to it.
#pragma once

#include <zmm/threads/synchronized_heap.hpp>

#include <new>

namespace zmm { inline namespace ZMM_ABI {

/// Parts are pushed and never taken off while the heap lives: any thread walks them at any time.
template <class Options>
template <class Visit>
void basic_synchronized_heap<Options>::for_each_part(Visit visit) const {
  // Acquire: pairs with the push in claim_or_make(); a part that is seen is whole.
  for (part_type* p = parts_.load(std::memory_order_acquire); p != nullptr; p = p->next_part) visit(*p);
}

/// Visits this thread's part, and one after the other those whose threads have ended, claiming each meanwhile. Not all
/// at once: a thread that begins then finds none and makes another.
template <class Options>
template <class Visit>
void basic_synchronized_heap<Options>::for_each_idle_part(Visit visit) const noexcept {
  if (part_type* const own = held_part()) visit(*own);
  for_each_part([&](part_type& p) {
    if (!p.state.claim()) return;
    visit(p);
    p.state.abandon();
  });
}

/// Returns: this thread's part, which it may have to claim or make first; null: `asked` says why there is none.
template <class Options>
ZMM_NOINLINE auto basic_synchronized_heap<Options>::part_or_join(detail::admission& asked) noexcept -> part_type* {
  part_type* own = held_part();
  if (own == nullptr) {
    // Both may wait for a fork, so no lock is held here.
    detail::thread_end::watch();
    detail::forks.attach(fork_);
    if ((own = claim_or_make(asked)) == nullptr) return nullptr;
    detail::spin_guard const guard(detail::thread_members_lock);
    detail::own_record.add(own);
  }
  lease_.note(own);
  return own;
}

/// This thread's part, when its shared entry was needed for another heap; null if it has none.
template <class Options> ZMM_COLD auto basic_synchronized_heap<Options>::find_held() const noexcept -> part_type* {
  detail::spin_guard const guard(detail::thread_members_lock);  // heaps that end take their parts off the list
  return find_held_locked();
}

template <class Options>
ZMM_COLD auto basic_synchronized_heap<Options>::find_held_locked() const noexcept -> part_type* {
  for (detail::thread_member* m = detail::own_record.members; m != nullptr; m = m->next_member) {
    if (m->part_of == this) return static_cast<part_type*>(m);
  }
  return nullptr;
}

template <class Options>
ZMM_COLD auto basic_synchronized_heap<Options>::claim_or_make(detail::admission& asked) noexcept -> part_type* {
  for (part_type* p = parts_.load(std::memory_order_acquire); p != nullptr; p = p->next_part) {
    if (!p->state.claim()) continue;
    p->gate = {};
    return p;
  }
  void* const room = source_.locked([&](auto& s) { return s.take_record(sizeof(part_type), asked); });
  if (room == nullptr) return nullptr;
  auto* const made = ::new (room) part_type(&source_);
  this->hand_to(*made);
  made->part_of = this;
  made->all_parts = &parts_;
  made->leave = leave_;
  made->next_part = parts_.load(std::memory_order_relaxed);
  // Release: whoever finds the part through the list finds it whole.
  while (!parts_.compare_exchange_weak(made->next_part, made, std::memory_order_release, std::memory_order_relaxed)) {}
  return made;
}

/// The thread ends: what it freed of others' blocks goes home, and its part is anybody's.
template <class Options> void basic_synchronized_heap<Options>::leave(detail::thread_member* m) noexcept {
  auto* const own = static_cast<part_type*>(m);
  own->send_foreign_home();
  own->state.abandon();
}

/// In the child of a fork: parts of threads that are not here may be in the middle of something.
template <class Options> void basic_synchronized_heap<Options>::freeze_absent() noexcept {
  for_each_part([&](part_type& p) {
    if (!p.state.is_held() || p.thread == &detail::own_record) return;
    p.thread = nullptr;
    p.state.freeze();
    has_frozen_ = true;
  });
  // What this thread freed of theirs is not handed out again. The lock of the members is held across the fork.
  if (part_type* const own = has_frozen_ ? find_held_locked() : nullptr) own->send_all_home();
}

template <class Options> basic_synchronized_heap<Options>::~basic_synchronized_heap() {
  detail::forks.detach(fork_);
  if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::end(*this, true);
  {
    detail::spin_guard const guard(detail::thread_members_lock);
    for_each_part([&](part_type& p) {
      if (p.thread == nullptr) return;
      lease_.clear(*p.thread);
      detail::thread_record::remove(&p);
    });
  }
  detail::entries_in_use.give(lease_);
  for (part_type* p = parts_.load(std::memory_order_acquire); p != nullptr;) {
    part_type* const next = p->next_part;
    p->~part_type();
    source_.locked([&](auto& s) { s.give_record(p, sizeof(part_type)); });
    p = next;
  }
}

}}  // namespace zmm
