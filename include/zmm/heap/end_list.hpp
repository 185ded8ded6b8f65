// What runs at the end of a request: destructors of created objects, and hooks.
#pragma once

#include <zmm/base/bits.hpp>

#include <new>
#include <type_traits>
#include <utility>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// One entry; its function follows it in the same block.
struct end_entry {
  using function = void (*)(end_entry*) noexcept;

  end_entry* next;
  function run;
};

/// An entry with what it runs on: `F` is called, then destroyed. A call that throws terminates.
template <class F> struct end_call : end_entry {
  explicit end_call(F&& f) : end_entry{nullptr, &call}, body(std::move(f)) {}
  explicit end_call(F const& f) : end_entry{nullptr, &call}, body(f) {}

  static void call(end_entry* entry) noexcept {
    F& f = static_cast<end_call*>(entry)->body;
    f();
    f.~F();
  }

  F body;
};

/// An entry with an object built behind it, which it destroys.
template <class T> struct end_object : end_entry {
  end_object() noexcept : end_entry{nullptr, &destroy} {}

  T* place() noexcept { return reinterpret_cast<T*>(room); }
  static void destroy(end_entry* entry) noexcept { std::launder(static_cast<end_object*>(entry)->place())->~T(); }

  alignas(T) unsigned char room[sizeof(T)];
};

/// A stack of entries: the newest runs first.
class end_list {
public:
  bool empty() const noexcept { return head_ == nullptr; }

  void push(end_entry* entry) noexcept {
    entry->next = head_;
    head_ = entry;
  }

  /// Effects: takes the newest entry off and runs it; it may add others. Requires: not empty.
  void run_newest() noexcept {
    end_entry* const entry = head_;
    head_ = entry->next;
    entry->run(entry);
  }

private:
  end_entry* head_ = nullptr;
};

}}}  // namespace zmm::detail
