// The common part of all resources: an engine they own, and its members.
#pragma once

#include <zmm/faces/engine_calls.hpp>

#include <type_traits>
#include <utility>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Turns a resource's constructor argument into its engine's: a resource becomes its engine, and a number, which may be an
/// int here, a size.
template <class T> decltype(auto) engine_argument(T&& argument) noexcept {
  if constexpr (std::is_integral_v<std::decay_t<T>>) {
    return static_cast<std::size_t>(argument);
  } else {
    return static_cast<T&&>(argument);
  }
}
template <class Heap> Heap& engine_argument(resource<Heap>& face) noexcept { return face.heap(); }
template <class Heap> Heap& engine_argument(dual_resource<Heap>& face) noexcept { return face.heap(); }

template <class Heap, class... Args>
using enable_if_engine_from =
    std::enable_if_t<std::is_constructible_v<Heap, decltype(engine_argument(std::declval<Args>()))...>>;

/// The base of the resources: owns an engine and has its members.
template <class Heap, std::size_t LeastAlignment = 1>
class owned_engine : public engine_calls<owned_engine<Heap, LeastAlignment>, Heap, LeastAlignment> {
public:
  owned_engine(owned_engine const&) = delete;
  owned_engine& operator=(owned_engine const&) = delete;

  Heap& heap() noexcept { return heap_; }
  Heap const& heap() const noexcept { return heap_; }

protected:
  template <class... Args>
  constexpr explicit owned_engine(std::in_place_t, Args&&... args) noexcept
      : heap_(engine_argument(std::forward<Args>(args))...) {}
  ~owned_engine() = default;

private:
  Heap heap_;
};

}}}  // namespace zmm::detail
