// Pointers to code, encoded and sealed.
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/chunk/limit_gate.hpp>
#include <zmm/hardening/call_seal.hpp>
#include <zmm/storage/os_random.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {
/// Stores pointers to functions encoded, and sealed together with `context`, which must not change before the call.
template <> class call_key<true> {
public:
  template <class Function> void seal(call_seal<true>& at, Function& f, std::uint64_t context) noexcept {
    while (key_ == 0) key_ = key_maker.next();
    std::uint64_t const plain = word_of(f);
    at.seal = proof(plain, context);
    set(f, plain ^ key_);
  }
  /// Stops unless function and context are what was sealed.
  template <class Function> void unseal(call_seal<true> const& at, Function& f, std::uint64_t context) const noexcept {
    std::uint64_t const plain = static_cast<std::uintptr_t>(word_of(f) ^ key_);
    check(at.seal == proof(plain, context), "a function to be called is the one that was registered", &at, this);
    set(f, plain);
  }

private:
  std::uint64_t proof(std::uint64_t plain, std::uint64_t context) const noexcept {
    std::uint64_t const word = (plain ^ __builtin_bswap64(key_)) * 0x9E3779B97F4A7C15U + (context ^ key_);
    return (word ^ word >> 31) * 0xBF58476D1CE4E5B9U;
  }
  template <class Function> static std::uint64_t word_of(Function f) noexcept {
    return reinterpret_cast<std::uintptr_t>(f);
  }
  template <class Function> static void set(Function& f, std::uint64_t word) noexcept {
    f = reinterpret_cast<Function>(static_cast<std::uintptr_t>(word));
  }

  std::uint64_t key_ = 0;
};

/// Nothing is sealed as long as there is no hook.
template <> class limit_hook_slot<true> : call_key<true>, call_seal<true> {
public:
  constexpr limit_hook_slot() noexcept = default;

  void set(limit_hook_type hook, void* user) noexcept {
    is_set_ = hook != nullptr;
    hook_ = hook;
    user_ = user;
    call_key<true>::seal(*this, hook_, address_of(user));
  }
  bool is_set() const noexcept { return is_set_; }
  /// The hook; null: none. Stops unless hook and user are what was set.
  limit_hook_type get() const noexcept {
    if (!is_set_) return nullptr;
    limit_hook_type hook = hook_;
    call_key<true>::unseal(*this, hook, address_of(user_));
    return hook;
  }
  void* user() const noexcept { return user_; }

private:
  bool is_set_ = false;
  limit_hook_type hook_ = nullptr;
  void* user_ = nullptr;
};
}}}  // namespace zmm::detail
