// Pointers to code that lie where an overflow may reach them.
#pragma once

#include <zmm/base/compiler.hpp>

#include <cstdint>

namespace zmm { inline namespace ZMM_ABI { namespace detail {
/// What is stored beside a pointer to a function: nothing, or a seal made of it.
template <bool Encoded> struct call_seal {};
template <> struct call_seal<true> { std::uint64_t seal = 0; };

/// How pointers to functions are stored: as they are, or encoded and sealed, which encoded_calls.hpp has.
template <bool Encoded> class call_key;
template <> class call_key<false> {
public:
  template <class Function> static void seal(call_seal<false>&, Function&, std::uint64_t) noexcept {}
  template <class Function> static void unseal(call_seal<false> const&, Function&, std::uint64_t) noexcept {}
};

}}}  // namespace zmm::detail
