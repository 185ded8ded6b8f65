// Storages by name, and nothing by what is none.
#include <zmm/storages.hpp>

#include <doctest/doctest.h>
#include <cstdlib>
#include <string>

namespace {
using zmm::storage_named;

TEST_CASE("storage_named: each name has its storage") {
  CHECK(storage_named("os") == &zmm::os_storage());
  CHECK(storage_named("malloc") == &zmm::malloc_storage());
  CHECK(storage_named("zero") == &zmm::zero_storage());
  CHECK(storage_named("huge") == &zmm::huge_page_storage());
  CHECK(storage_named("hugetlb") == &zmm::hugetlb_storage());
  for (unsigned node = 0; node < zmm::numa_nodes; ++node) {
    zmm::storage* const s = storage_named(("numa:" + std::to_string(node)).c_str());
    CHECK(s == &zmm::numa_storage(node));
    CHECK(s != &zmm::os_storage());
    CHECK((node == 0 || s != &zmm::numa_storage(node - 1)));
  }
  CHECK(storage_named("numa:007") == &zmm::numa_storage(7));
  static_assert(noexcept(storage_named("os")));
}

TEST_CASE("storage_named: what is no name is null") {
  CHECK(storage_named(nullptr) == nullptr);
  for (char const* none :
       {"", " ", "o", "OS", "os ", " os", "oss", "os\n", "os:", "mallo", "malloc()", "zeros", "hug", "huget", "hugetlbfs", "buffer",
        "numa", "numa:", "numa: 1", "numa:-1", "numa:+1", "numa:1 ", "numa:1x", "numa:0x1", "numa:1,2", "numa:1:", "numa::1",
        "numa:64", "numa:100", "numa:4294967296", "numa:18446744073709551616", "numa:18446744073709551617", "numa1", "Numa:1",
        "numa:99999999999999999999999999999999999999999999999999999999999999999999"}) {
    CAPTURE(none);
    CHECK(storage_named(none) == nullptr);
  }
}

TEST_CASE("storage_named: a name out of the environment, set or not") {
  CHECK(storage_named(std::getenv("ZMM_TEST_OF_A_STORAGE")) == nullptr);
  for (char const* name : {"malloc", "numa:3", "", "no such"}) {
    ::setenv("ZMM_TEST_OF_A_STORAGE", name, 1);
    CHECK(storage_named(std::getenv("ZMM_TEST_OF_A_STORAGE")) == storage_named(name));
  }
  ::unsetenv("ZMM_TEST_OF_A_STORAGE");
  // A name is read up to its zero, wherever that lies, and kept by nobody.
  char text[] = "numa:1";
  zmm::storage* const found = storage_named(text);
  text[5] = '2';
  CHECK(found == &zmm::numa_storage(1));
  CHECK(storage_named(text) == &zmm::numa_storage(2));
}

TEST_CASE("numa_storage: a node beyond those it knows is no error") {
  CHECK(&zmm::numa_storage(zmm::numa_nodes) == &zmm::os_storage());
  CHECK(&zmm::numa_storage(~0U) == &zmm::os_storage());
}
}  // namespace
