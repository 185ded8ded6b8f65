// The parts of <utility> that zmm needs: the header has 660 preprocessed lines.
#pragma once

#include <zmm/base/compiler.hpp>

#include <cstddef>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// As std::declval: an expression of type T, for unevaluated code.
template <class T> T&& declval() noexcept;

/// As std::index_sequence and std::make_index_sequence: 0, 1 … up to Count.
template <std::size_t... I> struct indices {};
template <std::size_t Count, std::size_t... I> struct make_indices : make_indices<Count - 1, Count - 1, I...> {};
template <std::size_t... I> struct make_indices<0, I...> { using type = indices<I...>; };
template <std::size_t Count> using indices_up_to = typename make_indices<Count>::type;

}}}  // namespace zmm::detail
