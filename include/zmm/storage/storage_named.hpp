// Storages by name, for configurations.
#pragma once

#include <zmm/storage/huge_page_storage.hpp>
#include <zmm/storage/hugetlb_storage.hpp>
#include <zmm/storage/malloc_storage.hpp>
#include <zmm/storage/numa_storage.hpp>
#include <zmm/storage/zero_storage.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {

/// The rest of `name` behind `prefix`; null if it does not start with that.
constexpr char const* behind(char const* name, char const* prefix) noexcept {
  for (; *prefix != '\0'; ++name, ++prefix) {
    if (*name != *prefix) return nullptr;
  }
  return name;
}

constexpr bool same_name(char const* a, char const* b) noexcept {
  char const* const rest = behind(a, b);
  return rest != nullptr && *rest == '\0';
}

/// The number that `text` is, in digits only; numa_nodes if it is none or not below numa_nodes.
constexpr unsigned node_number(char const* text) noexcept {
  if (*text == '\0') return numa_nodes;
  unsigned number = 0;
  for (; *text != '\0'; ++text) {
    if (*text < '0' || *text > '9') return numa_nodes;
    number = 10 * number + static_cast<unsigned>(*text - '0');
    if (number >= numa_nodes) return numa_nodes;
  }
  return number;
}

}  // namespace detail

/// Returns: the storage of that name: "os", "malloc", "zero", "huge", "hugetlb", or "numa:N" with the decimal number of a
/// node below numa_nodes. Null for anything else, and for a null pointer. Any thread, any time.
inline storage* storage_named(char const* name) noexcept {
  if (name == nullptr) return nullptr;
  if (detail::same_name(name, "os")) return &os_storage();
  if (detail::same_name(name, "malloc")) return &malloc_storage();
  if (detail::same_name(name, "zero")) return &zero_storage();
  if (detail::same_name(name, "huge")) return &huge_page_storage();
  if (detail::same_name(name, "hugetlb")) return &hugetlb_storage();
  char const* const node = detail::behind(name, "numa:");
  if (node == nullptr) return nullptr;
  unsigned const number = detail::node_number(node);
  return number < numa_nodes ? &numa_storage(number) : nullptr;
}

}}  // namespace zmm
