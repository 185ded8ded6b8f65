// Blocks from the pool of huge pages, and ordinary ones where it is empty: nobody can tell which, but by the pool.
#include <zmm/zmm.hpp>

#include "../support/checking_storage.hpp"
#include <doctest/doctest.h>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

namespace {
using std::size_t;
constexpr size_t unit = size_t{2} << 20;

// Pages of the pool that nobody has, of 2 MiB; 0 if the system's are of another size.
long free_pages() {
  std::ifstream file{"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"};
  long n = 0;
  file >> n;
  return n;
}

TEST_CASE("hugetlb_storage: a block has whole huge pages, grows into its last one and gives back the others") {
  zmm_test::checking_storage source{zmm::hugetlb_storage()};
  size_t const page = zmm_test::os_page();
  auto* const p = static_cast<unsigned char*>(source.allocate(5 * unit / 2, 8 * unit, 5 * unit / 2));
  REQUIRE(p != nullptr);
  std::memset(p, 1, 5 * unit / 2);
  CHECK(source.extend(p, 5 * unit / 2, 3 * unit));
  std::memset(p + 5 * unit / 2, 2, unit / 2);
  CHECK_FALSE(source.extend(p, 3 * unit, 3 * unit + page));
  CHECK_FALSE(source.truncate(p, 3 * unit, 3 * unit - page));  // nothing would come back
  CHECK(source.truncate(p, 3 * unit, unit + page));
  CHECK((p[0] == 1 && p[unit] == 1));
  CHECK_FALSE(source.truncate(p, unit + page, page));  // it would be told from small blocks by its size no more
  CHECK_FALSE(source.purge(p, page));                  // maybe inside a huge page
  CHECK(p[0] == 1);
  CHECK(source.allocate(unit, unit, 2 * unit) == nullptr);  // no address space ahead
  source.deallocate(p, unit + page, unit + page);
}

TEST_CASE("hugetlb_storage: small blocks are ordinary ones and stay small") {
  zmm_test::checking_storage source{zmm::hugetlb_storage()};
  size_t const page = zmm_test::os_page();
  void* const p = source.allocate(4 * page, page, unit + page);
  REQUIRE(p != nullptr);
  CHECK(source.extend(p, 4 * page, 8 * page));
  CHECK_FALSE(source.extend(p, 8 * page, unit));
  CHECK(source.truncate(p, 8 * page, page));
  source.deallocate(p, page, unit + page);
}

TEST_CASE("hugetlb_storage: what the pool has is taken from it and comes back") {
  long const before = free_pages();
  if (before < 8) {
    MESSAGE("skipped: the system's pool of huge pages is empty");
    return;
  }
  zmm::storage& source = zmm::hugetlb_storage();
  for (int i = 0; i < 10; ++i)  // it may have been empty a while ago
    if (void* const p = source.allocate(unit, unit, unit)) source.deallocate(p, unit, unit);
  {
    zmm::heap heap{source};
    for (int i = 0; i < 4; ++i) std::memset(heap.allocate(unit - 8192), 1, unit - 8192);
    CHECK(free_pages() <= before - 4);
    for (int i = 0; i < 100; ++i) std::memset(heap.allocate(unit), 1, unit);  // more than there is, or not
    heap.verify();
  }
  CHECK(free_pages() == before);
}
}  // namespace
