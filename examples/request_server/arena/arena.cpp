#include "arena.hpp"

#include <type_traits>
#include <utility>

namespace shop {

char const* name_of(arena_kind kind) noexcept {
  switch (kind) {
  case arena_kind::zmm: return "zmm";
  case arena_kind::checked: return "checked";
  case arena_kind::hardened: return "hardened";
  case arena_kind::debug: return "debug";
  case arena_kind::sampled: return "sampled";
  case arena_kind::new_: return "new";
  case arena_kind::monotonic: return "monotonic";
  case arena_kind::pool: return "pool";
  }
  return "?";
}

std::optional<arena_kind> arena_named(std::string_view name) noexcept {
  for (arena_kind kind : all_arenas)
    if (name == name_of(kind)) return kind;
  return std::nullopt;
}

std::unique_ptr<std::byte[]> worker_memory::take_buffer() {
  if (free_buffers_.empty()) {
    // give_back() must not fail, so its room is made here, before the buffer leaves.
    free_buffers_.reserve(free_buffers_.capacity() + 1);
    return std::unique_ptr<std::byte[]>(new std::byte[monotonic_buffer_bytes]);
  }
  auto buffer = std::move(free_buffers_.back());
  free_buffers_.pop_back();
  return buffer;
}

void worker_memory::give_back(std::unique_ptr<std::byte[]> buffer) noexcept {
  free_buffers_.push_back(std::move(buffer));
}

namespace {

template <class Choice, class Variant> std::pmr::memory_resource* begin(Variant& choice, worker_memory& worker) {
  return choice.template emplace<Choice>(worker).resource();
}

}  // namespace

request_memory::request_memory(worker_memory& worker) : resource_(nullptr) {
  switch (worker.kind()) {
  case arena_kind::zmm: resource_ = begin<detail::zmm_memory<zmm::request_resource>>(choice_, worker); break;
  case arena_kind::checked:
    resource_ = begin<detail::zmm_memory<zmm::checked_request_resource>>(choice_, worker);
    break;
  case arena_kind::hardened:
    resource_ = begin<detail::zmm_memory<zmm::hardened_request_resource>>(choice_, worker);
    break;
  case arena_kind::debug: resource_ = begin<detail::zmm_memory<zmm::debug_request_resource>>(choice_, worker); break;
  case arena_kind::sampled:
    resource_ = begin<detail::zmm_memory<zmm::sampled_request_resource>>(choice_, worker);
    break;
  case arena_kind::new_: resource_ = begin<detail::new_memory>(choice_, worker); break;
  case arena_kind::monotonic: resource_ = begin<detail::monotonic_memory>(choice_, worker); break;
  case arena_kind::pool: resource_ = begin<detail::pool_memory>(choice_, worker); break;
  }
}

std::size_t request_memory::held_at_most() const noexcept {
  return std::visit(
      [](auto const& choice) -> std::size_t {
        if constexpr (std::is_same_v<std::decay_t<decltype(choice)>, std::monostate>) return 0;
        else return choice.held_at_most();
      },
      choice_);
}

void request_memory::label(char const* what) noexcept {
  std::visit(
      [what](auto& choice) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(choice)>, std::monostate>) choice.label(what);
      },
      choice_);
}

void request_memory::verify() const {
  std::visit(
      [](auto const& choice) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(choice)>, std::monostate>) choice.verify();
      },
      choice_);
}

}  // namespace shop
