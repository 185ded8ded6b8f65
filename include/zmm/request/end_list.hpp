// What runs at the end of a request: destructors of created objects, and hooks.
#pragma once

#include <zmm/hardening/call_seal.hpp>

#include <new>
#include <type_traits>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// One entry; the object that it runs on follows it in the same block. The list knows the entry's function by its seal.
template <bool Encoded> struct end_entry : call_seal<Encoded> {
  using function = void (*)(end_entry*) noexcept;

  explicit end_entry(function f) noexcept : next(nullptr), run(f) {}

  end_entry* next;
  function run;  ///< encoded once the entry is in a list that encodes
};

/// An entry with a function object, which is called, then destroyed. If the call throws, the program terminates.
template <class F, bool Encoded> struct end_call : end_entry<Encoded> {
  using entry = end_entry<Encoded>;

  explicit end_call(F&& f) : entry(&call), body(static_cast<F&&>(f)) {}
  explicit end_call(F const& f) : entry(&call), body(f) {}

  static void call(entry* of) noexcept {
    F& f = static_cast<end_call*>(of)->body;
    f();
    f.~F();
  }

  F body;
};

/// An entry with an object built behind it, which it destroys.
template <class T, bool Encoded> struct end_object : end_entry<Encoded> {
  using entry = end_entry<Encoded>;

  end_object() noexcept : entry(&destroy) {}

  T* place() noexcept { return reinterpret_cast<T*>(room); }
  static void destroy(entry* of) noexcept { std::launder(static_cast<end_object*>(of)->place())->~T(); }

  alignas(T) unsigned char room[sizeof(T)];
};

/// A stack of entries: the newest runs first.
template <bool Encoded> class end_list : call_key<Encoded> {
public:
  using entry = end_entry<Encoded>;

  bool empty() const noexcept { return head_ == nullptr; }

  void push(entry* e) noexcept {
    e->next = head_;
    call_key<Encoded>::seal(*e, e->run, address_of(e) ^ address_of(e->next));
    head_ = e;
  }

  /// Effects: takes the newest entry off and runs it; it may add others. Requires: not empty.
  void run_newest() noexcept {
    entry* const e = head_;
    call_key<Encoded>::unseal(*e, e->run, address_of(e) ^ address_of(e->next));
    head_ = e->next;
    e->run(e);
  }

private:
  entry* head_ = nullptr;
};

}}}  // namespace zmm::detail
