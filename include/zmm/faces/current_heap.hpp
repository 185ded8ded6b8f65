// The current heaps of a thread, for code that default-constructs its allocators.
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/base/immortal.hpp>
#include <zmm/watch/watched_engine.hpp>

#include <type_traits>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {

/// Whether a type's name stands for one type in the whole program: it does if its options are zmm's own.
template <class Heap> inline constexpr bool is_named_type = false;
template <template <class> class Engine, class Options>
inline constexpr bool is_named_type<Engine<Options>> =
    std::is_same_v<Options, default_options> || std::is_same_v<Options, checked_options> ||
    std::is_same_v<Options, hardened_options> || std::is_same_v<Options, paranoid_options> ||
    std::is_same_v<Options, debug_options> || std::is_same_v<Options, sampled_options>;
template <> inline constexpr bool is_named_type<mm_heap> = true;

/// A type of heap. Shared objects that hide their symbols each have their own heap_kind of it; these are equal by name.
struct heap_kind {
  char const* name;  ///< null: only the address of the heap_kind stands for the type
};
template <class Heap> constexpr heap_kind make_heap_kind() noexcept {
  return {is_named_type<Heap> ? __PRETTY_FUNCTION__ : nullptr};
}
template <class Heap> inline constexpr heap_kind kind_of = make_heap_kind<Heap>();

ZMM_COLD inline bool are_same_name(char const* a, char const* b) noexcept {
  return __builtin_strstr(a, "= zmm::") != nullptr && __builtin_strcmp(a, b) == 0;
}
inline bool are_same_kind(heap_kind const& a, heap_kind const& b) noexcept {
  return &a == &b || (a.name != nullptr && b.name != nullptr && are_same_name(a.name, b.name));
}

/// One scope of one thread. It lies where the program puts it, most often on the stack.
class current_scope;
/// The newest scope of this thread: one word for all types of heaps.
ZMM_SHARED inline thread_local current_scope* newest_scope = nullptr;

class current_scope {
public:
  current_scope(heap_kind const& kind, void* heap) noexcept : kind_(&kind), heap_(heap), before_(newest_scope) {
    newest_scope = this;
  }
  current_scope(current_scope const&) = delete;
  current_scope& operator=(current_scope const&) = delete;
  /// Scopes may end in any order: this one leaves the list wherever it is in it.
  ~current_scope() {
    current_scope** place = &newest_scope;
    while (*place != this) {
      check(*place != nullptr, "the scope of a current heap ends on the thread it began on", this, heap_);
      place = &(*place)->before_;
    }
    *place = before_;
  }

  /// Returns: this thread's current heap of the kind; null: there is none. Complexity: linear in newer scopes.
  static void* find(heap_kind const& kind) noexcept {
    for (current_scope const* s = newest_scope; s != nullptr; s = s->before_)
      if (are_same_kind(*s->kind_, kind)) return s->heap_;
    return nullptr;
  }

private:
  heap_kind const* kind_;
  void* heap_;
  current_scope* before_;
};

/// An allocator that is bound to no heap refers to this one, so that no call has to check whether it is bound.
template <class Heap> struct nobodys_heap {
  nobodys_heap() noexcept { watched_calls::disown(heap); }
  Heap heap;
};
template <class Heap> ZMM_COLD Heap& no_heap() noexcept {
  static immortal<nobodys_heap<Heap>> made;
  watched_calls::free_deferred(made.value.heap);
  return made.value.heap;
}

template <class Heap> Heap& current_heap_of() noexcept {
  void* const found = current_scope::find(kind_of<Heap>);
  return ZMM_LIKELY(found != nullptr) ? *static_cast<Heap*>(found) : no_heap<Heap>();
}

}  // namespace detail

/// While it lives, `current` is this thread's current heap of its type: an allocator<T, Heap>{} made meanwhile refers to it. For
/// libraries that default-construct their allocators. Scopes nest, and end on the thread they began on. The heap outlives
/// the scope. What is allocated meanwhile has to be freed while this or another scope of the same heap lives.
///
///     zmm::heap h;
///     zmm::use_heap_of scope{h};
///     auto document = json::parse(text);  // nlohmann::basic_json of zmm::allocator<T, zmm::heap>
///
/// For a heap with one of zmm's own sets of options, a scope holds in all shared objects of the program; with other options,
/// in those that do not hide the type.
template <class Heap> class use_heap_of {
public:
  explicit use_heap_of(Heap& current) noexcept : scope_(detail::kind_of<Heap>, &current) {}

private:
  detail::current_scope scope_;
};
template <class Heap> use_heap_of(Heap&) -> use_heap_of<Heap>;

}}  // namespace zmm
