// Pointers to code that lie where an overflow may reach them.
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/storage/os_random.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// What goes with a pointer to a function: nothing, or a word that is made of it.
template <bool Encoded> struct call_seal {};
template <> struct call_seal<true> { std::uint64_t seal = 0; };

/// Stores pointers to functions as they are.
template <bool Encoded> class call_key {
public:
  template <class Function> static void seal(call_seal<false>&, Function&, std::uint64_t) noexcept {}
  template <class Function> static void unseal(call_seal<false> const&, Function&, std::uint64_t) noexcept {}
};

/// Stores them encoded, and sealed together with `context`: what must not have changed until the call.
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
    std::uint64_t const plain = word_of(f) ^ key_;
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

}}}  // namespace zmm::detail
