// Storage from the operating system, on one node of a NUMA machine.
#pragma once

#include <zmm/base/system_kinds.hpp>
#include <zmm/storage/os_storage.hpp>

#include <utility>

namespace zmm { inline namespace ZMM_ABI {

/// The number of nodes that numa_storage() knows: 0 to numa_nodes - 1.
inline constexpr unsigned numa_nodes = 64;

namespace detail {

class numa_storage_type final : public os_storage_base {
public:
  constexpr explicit numa_storage_type(unsigned node) noexcept : node_(node) {}

private:
  /// The kernel refuses a node that the machine does not have; pages then come from wherever os_storage()'s come from.
  void prepare(void* block, std::size_t reserve) noexcept override { host_kinds::prefer_node(block, reserve, node_); }

  unsigned node_;
};

template <class Nodes> struct numa_storages;
template <unsigned... Node> struct numa_storages<std::integer_sequence<unsigned, Node...>> {
  numa_storage_type of[sizeof...(Node)] = {numa_storage_type{Node}...};
};

ZMM_SHARED inline numa_storages<std::make_integer_sequence<unsigned, numa_nodes>> the_numa_storages;

}  // namespace detail

/// Returns: the operating system's storage with pages from `node` while that has free memory, then from others. A node
/// that the machine does not have, or that is not below numa_nodes, is no error: pages come from wherever os_storage()'s
/// come from. So a program may be configured alike on all machines. Any thread, any time.
inline storage& numa_storage(unsigned node) noexcept {
  return detail::host_kinds::has_nodes && node < numa_nodes ? static_cast<storage&>(detail::the_numa_storages.of[node])
                                                            : os_storage();
}

}}  // namespace zmm
