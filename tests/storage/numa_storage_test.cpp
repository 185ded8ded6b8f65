// Blocks of a node's storage say so to the kernel. What pages a node really gives needs more than one to be seen.
#include <zmm/storage/numa_storage.hpp>

#include "../support/sanitizers.hpp"
#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>

namespace {
using std::size_t;

struct policy {
  int mode = -1;
  std::uint64_t nodes = 0;
};

// Whether the kernel answered.
bool ask(void* p, policy& found) {
  constexpr int of_address = 2;
  return ::syscall(SYS_get_mempolicy, &found.mode, &found.nodes, 65UL, p, of_address) == 0;
}

TEST_CASE("numa_storage: a block prefers its node, with its address space ahead, grown or moved") {
  zmm::storage& node = zmm::numa_storage(0);
  size_t const page = zmm::os_page_size(), unit = size_t{2} << 20;
  policy found;
  if (!ask(&found, found)) {
    MESSAGE("skipped: this kernel knows no nodes");
    return;
  }
  auto const prefers_0 = [](void* p) {
    policy is;
    return ask(p, is) && is.mode == 1 && is.nodes == 1;
  };
  void* p = node.allocate(unit, unit, unit);
  REQUIRE(p != nullptr);
  CHECK(prefers_0(p));
  if (void* const q = node.move(p, unit, 3 * unit, unit)) {
    CHECK((prefers_0(q) && prefers_0(zmm::detail::offset(q, 3 * unit - page))));
    node.deallocate(q, 3 * unit, 3 * unit);
  } else {
    node.deallocate(p, unit, unit);
  }
  p = node.allocate(page, page, 64 * page);
  REQUIRE(p != nullptr);
  CHECK(node.extend(p, page, 64 * page));
  CHECK(prefers_0(zmm::detail::offset(p, 63 * page)));
  node.deallocate(p, 64 * page, 64 * page);
}

TEST_CASE("numa_storage: a node that is not there serves as any other place") {
  zmm::storage& node = zmm::numa_storage(zmm::numa_nodes - 1);
  size_t const page = zmm::os_page_size();
  errno = 99;
  auto* const p = static_cast<unsigned char*>(node.allocate(4 * page, page, 16 * page));
  CHECK(errno == 99);
  REQUIRE(p != nullptr);
  p[0] = p[4 * page - 1] = 1;
  CHECK(node.extend(p, 4 * page, 16 * page));
  p[16 * page - 1] = 1;
  node.deallocate(p, 16 * page, 16 * page);
}
}  // namespace
