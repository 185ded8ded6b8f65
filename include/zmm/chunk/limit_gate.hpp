// What an engine does when memory runs short: reclaim, ask the hook, fail. And limit_lift, under which limits do not
// bind.
#pragma once

#include <zmm/errors.hpp>
#include <zmm/chunk/admission.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {

using limit_hook_type = bool (*)(void* user, std::size_t needed) noexcept;

/// A hook and what it is given. The encoded one is in encoded_calls.hpp.
template <bool Encoded> class limit_hook_slot;
template <> class limit_hook_slot<false> {
public:
  void set(limit_hook_type hook, void* user) noexcept {
    hook_ = hook;
    user_ = user;
  }
  bool is_set() const noexcept { return hook_ != nullptr; }
  limit_hook_type get() const noexcept { return hook_; }
  void* user() const noexcept { return user_; }

private:
  limit_hook_type hook_ = nullptr;
  void* user_ = nullptr;
};

/// The hook and the lifts of one engine.
template <bool Encoded> class limit_gate {
public:
  void set_hook(limit_hook_type hook, void* user) noexcept { slot_.set(hook, user); }

  bool lifted() const noexcept { return lifts_ != 0; }
  void lift() noexcept { ++lifts_; }
  void unlift() noexcept { --lifts_; }

  bool has_hook() const noexcept { return slot_.is_set(); }
  bool can_ask() const noexcept { return slot_.is_set() && !asking_; }

  bool asking() const noexcept { return asking_; }

  /// Effects: calls the hook. Returns: whether to try again. Requires: can_ask().
  bool ask(std::size_t needed) noexcept {
    asking_ = true;
    bool const again = slot_.get()(slot_.user(), needed);
    asking_ = false;
    return again;
  }

private:
  limit_hook_slot<Encoded> slot_;
  std::size_t lifts_ = 0;
  bool asking_ = false;  ///< the hook runs: its own allocations do not ask it again
};

/// What obtain() does once an attempt has failed.
template <class Attempt, class Reclaim, class Ask>
ZMM_COLD void* obtain_late(admission& asked, Attempt& attempt, Reclaim& reclaim, Ask& ask) noexcept {
  for (bool asks = asked.asks;; asks = false) {
    if ((asked.why == refusal::limit || asked.why == refusal::storage) && reclaim()) {
      if (void* const p = attempt(asked)) return p;
    }
    if (asked.why != refusal::limit || !asks || !ask()) return nullptr;
    if (void* const p = attempt(asked)) return p;
  }
}

/// Tries `attempt(asked)`; if a limit or storage refused, once more if `reclaim()` found anything; and if a limit
/// refused, once more if `ask()` says so, and again after reclaiming what the hook freed. The engine is consistent
/// whenever `reclaim` or `ask` runs.
/// Returns: what an attempt returned.
template <class Attempt, class Reclaim, class Ask>
ZMM_INLINE void* obtain(admission& asked, Attempt attempt, Reclaim reclaim, Ask ask) noexcept {
  if (void* const p = attempt(asked); ZMM_LIKELY(p != nullptr)) return p;
  return obtain_late(asked, attempt, reclaim, ask);
}

/// Throws what `asked` says about a request for `bytes`.
[[noreturn]] ZMM_COLD inline void throw_refusal(std::size_t bytes, admission const& asked) {
  switch (asked.why) {
  case refusal::limit: ZMM_THROW(memory_limit_exceeded(bytes, asked.used, asked.limit, asked.needed, asked.whose));
  case refusal::storage: ZMM_THROW(out_of_memory(bytes, asked.needed, asked.alignment));
  case refusal::nobody: ZMM_THROW(no_current_heap());
  case refusal::address:
  case refusal::none: break;
  }
  throw_bad_alloc();
}

}  // namespace detail

/// While it lives, the limit of an engine, of its ancestors and of its pool does not bind what this thread allocates
/// through that engine. For code that has to run while memory is short: error handling, unwinding, logging. Nests.
/// Takes an engine or a face.
template <class Heap> class [[nodiscard]] limit_lift {
public:
  [[nodiscard]] explicit limit_lift(Heap& lifted) noexcept : heap_(&lifted) { heap_->lift_limit(); }
  ~limit_lift() { heap_->unlift_limit(); }
  limit_lift(limit_lift const&) = delete;
  limit_lift& operator=(limit_lift const&) = delete;

private:
  Heap* heap_;
};
template <class Heap> limit_lift(Heap&) -> limit_lift<Heap>;

}}  // namespace zmm
