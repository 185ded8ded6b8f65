// Huge pages: asked for, kept whole where memory is dense, and not blown up again where it was given back.
#include <zmm/zmm.hpp>

#include "../support/checking_storage.hpp"
#include "../support/child.hpp"
#include "../support/sanitizers.hpp"
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

namespace {
using std::size_t;
using zmm_test::os_page;
using zmm::detail::the_huge_page_storage;

constexpr size_t unit = size_t{2} << 20;

unsigned char* bytes_of(void* p) { return static_cast<unsigned char*>(p); }
bool aligned(void const* p, size_t to) { return reinterpret_cast<std::uintptr_t>(p) % to == 0; }

// What /proc/self/smaps says of the mapping that `p` lies in: the line that starts with `what`.
std::string line_of(void const* p, char const* what) {
  std::ifstream maps{"/proc/self/smaps"};
  std::string line;
  bool here = false;
  while (std::getline(maps, line)) {
    unsigned long from = 0, to = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &from, &to) == 2)
      here = from <= reinterpret_cast<std::uintptr_t>(p) && reinterpret_cast<std::uintptr_t>(p) < to;
    if (here && line.rfind(what, 0) == 0) return line;
  }
  return {};
}
bool is_advised(void const* p) { return line_of(p, "VmFlags:").find(" hg") != std::string::npos; }
bool is_advised_against(void const* p) { return line_of(p, "VmFlags:").find(" nh") != std::string::npos; }
// Kilobytes of huge pages in the mapping that `p` lies in.
long huge_kib(void const* p) {
  long kib = 0;
  std::sscanf(line_of(p, "AnonHugePages:").c_str(), "AnonHugePages: %ld", &kib);
  return kib;
}

// Whether this kernel makes huge pages of mappings that ask for them.
bool has_huge_pages() {
  std::ifstream file{"/sys/kernel/mm/transparent_hugepage/enabled"};
  std::string text;
  std::getline(file, text);
  if (!text.empty() && text.find("[never]") == std::string::npos) return true;
  MESSAGE("skipped: this kernel has no transparent huge pages to give");
  return false;
}

// A segment heap whose segments are worth huge pages.
struct segments_of_8_mib : zmm::default_options {
  [[maybe_unused]] static constexpr size_t segment_bytes = 4 * unit;
};
using large_segments = zmm::basic_segment_heap<segments_of_8_mib>;

TEST_CASE("huge_page_storage: behaves as os_storage and backs what is touched with huge pages if there are any") {
  if (!has_huge_pages()) return;
  zmm_test::checking_storage os{zmm::huge_page_storage()};
  for (size_t reserve : {8 * unit, 64 * unit}) {
    unsigned char* p = bytes_of(os.allocate(8 * unit, unit, reserve));
    REQUIRE(p != nullptr);
    CHECK(aligned(p, unit));
    for (size_t at = 0; at < 8 * unit; at += unit) p[at] = 1;
    CHECK(is_advised(p));  // the advice stands, whether or not the system follows it
    if (reserve > 8 * unit) {
      CHECK(os.extend(p, 8 * unit, 16 * unit));
      p[16 * unit - 1] = 1;
      CHECK(os.truncate(p, 16 * unit, unit));
      os.deallocate(p, unit, reserve);
    } else {
      CHECK(os.truncate(p, 8 * unit, unit));
      os.deallocate(p, unit, unit);
    }
  }
}

TEST_CASE("huge_page_storage: what is purged inside a huge page is advised against, once for each") {
  if (!has_huge_pages()) return;
  zmm::storage& huge = zmm::huge_page_storage();
  size_t const page = os_page(), before = the_huge_page_storage.thinned().count();
  unsigned char* p = bytes_of(huge.allocate(4 * unit, unit, 4 * unit));
  REQUIRE(p != nullptr);
  std::memset(p, 1, 4 * unit);
  errno = 55;
  CHECK(huge.purge(p + page, 3 * page));
  CHECK(is_advised_against(p + page));
  CHECK(is_advised(p));
  CHECK(is_advised(p + 8 * page));
  CHECK(the_huge_page_storage.thinned().count() == before + 1);
  CHECK(huge.purge(p + 10 * page, 3 * page));  // the same huge page: it cannot be made whole any more
  CHECK(is_advised(p + 10 * page));
  CHECK(the_huge_page_storage.thinned().count() == before + 1);
  CHECK(huge.purge(p + unit, unit));  // a whole one: nothing of it is left to be blown up
  CHECK(is_advised(p + unit));
  CHECK(the_huge_page_storage.thinned().count() == before + 1);
  CHECK(huge.purge(p + 3 * unit - page, 2 * page));  // the end of one and the start of the next
  CHECK((is_advised_against(p + 3 * unit - page) && is_advised_against(p + 3 * unit)));
  CHECK(the_huge_page_storage.thinned().count() == before + 3);
  CHECK(errno == 55);
  CHECK((p[0] == 1 && p[4 * page] == 1 && p[page] == 0));
  CHECK(huge.truncate(p, 4 * unit, 2 * unit));
  CHECK(the_huge_page_storage.thinned().count() == before + 1);
  huge.deallocate(p, 2 * unit, 2 * unit);
  CHECK(the_huge_page_storage.thinned().count() == before);
}

TEST_CASE("huge_page_storage: the kernel does not make a purged huge page whole again, even when it is asked to") {
  if (!has_huge_pages()) return;
  zmm::storage& huge = zmm::huge_page_storage();
  constexpr int collapse = 25;
  unsigned char* p = bytes_of(huge.allocate(unit, unit, unit));
  REQUIRE(p != nullptr);
  std::memset(p, 1, unit);
  CHECK(huge.purge(p + 16 * os_page(), unit / 2));
  CHECK(::madvise(p, unit, collapse) != 0);
  unsigned char resident[unit / 4096];
  REQUIRE(::mincore(p, unit, resident) == 0);
  CHECK((resident[16] & 1) == 0);
  huge.deallocate(p, unit, unit);
}

TEST_CASE("huge_page_storage: a huge page that has filled up again is made whole when more memory is asked for") {
  if (!has_huge_pages()) return;
  zmm::storage& huge = zmm::huge_page_storage();
  size_t const page = os_page(), before = the_huge_page_storage.thinned().count();
  unsigned char* p = bytes_of(huge.allocate(unit, unit, unit));
  REQUIRE(p != nullptr);
  std::memset(p, 1, unit);
  CHECK(huge.purge(p + page, unit / 2));
  auto const ask_for_more = [&] {
    for (size_t i = 0; i < zmm::detail::thinned_pages::capacity; ++i)
      if (void* const q = huge.allocate(unit, unit, unit)) huge.deallocate(q, unit, unit);
  };
  ask_for_more();
  CHECK(is_advised_against(p + page));
  CHECK(the_huge_page_storage.thinned().count() == before + 1);
  std::memset(p, 2, unit - unit / 20);
  ask_for_more();
  CHECK(is_advised(p + page));
  CHECK(the_huge_page_storage.thinned().count() == before);
  CHECK((p[0] == 2 && p[unit / 2] == 2 && p[unit - 1] == 1));
  if (huge_kib(p) == 0) MESSAGE("this kernel did not make it whole at once");
  huge.deallocate(p, unit, unit);
}

TEST_CASE("huge_page_storage: a block that moves takes its advice along and leaves no trace") {
  if (!has_huge_pages()) return;
  zmm::storage& huge = zmm::huge_page_storage();
  size_t const before = the_huge_page_storage.thinned().count();
  unsigned char* p = bytes_of(huge.allocate(2 * unit, unit, 2 * unit));
  unsigned char* blocker = bytes_of(huge.allocate(unit, unit, unit));
  REQUIRE((p != nullptr && blocker != nullptr));
  std::memset(p, 1, 2 * unit);
  CHECK(huge.purge(p + os_page(), os_page()));
  size_t bytes = 2 * unit;
  if (void* const q = huge.move(p, bytes, 8 * unit, unit)) p = bytes_of(q), bytes = 8 * unit;
  CHECK(p[0] == 1);
  huge.deallocate(p, bytes, bytes);
  huge.deallocate(blocker, unit, unit);
  CHECK(the_huge_page_storage.thinned().count() == before);
}

TEST_CASE("huge_page_storage: more purged huge pages than it can keep in mind are advised against all the same") {
  if (!has_huge_pages()) return;
  zmm::storage& huge = zmm::huge_page_storage();
  size_t const many = zmm::detail::thinned_pages::capacity + 20, before = the_huge_page_storage.thinned().count();
  unsigned char* p = bytes_of(huge.allocate(many * unit, unit, many * unit));
  REQUIRE(p != nullptr);
  for (size_t i = 0; i < many; ++i) CHECK(huge.purge(p + i * unit + os_page(), os_page()));
  CHECK(is_advised_against(p + os_page()));
  CHECK(is_advised_against(p + (many - 1) * unit + os_page()));
  CHECK(the_huge_page_storage.thinned().count() == zmm::detail::thinned_pages::capacity);
  huge.deallocate(p, many * unit, many * unit);
  CHECK(the_huge_page_storage.thinned().count() == before);
}

TEST_CASE_TEMPLATE("huge_page_storage: after trim() what a heap does not need is not resident, and stays so", Heap,
                   zmm::heap, large_segments) {
  if (!has_huge_pages() || zmm::detail::under_sanitizer || zmm_test::under_address_sanitizer) return;
  Heap heap{zmm::huge_page_storage()};
  std::vector<void*> blocks;
  for (int i = 0; i < 4000; ++i) blocks.push_back(std::memset(heap.allocate(8192), 1, 8192));
  for (size_t i = 0; i < blocks.size(); ++i)
    if (i % 8 != 0) heap.deallocate(blocks[i], 8192);
  CHECK(heap.trim() > 0);
  size_t huge_left = 0;
  constexpr int collapse = 25;
  for (size_t i = 0; i < blocks.size(); i += 8) {
    auto* const chunk = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(blocks[i]) & ~(unit - 1));
    huge_left += ::madvise(chunk, unit, collapse) == 0;
    heap.deallocate(blocks[i], 8192);
  }
  CHECK(huge_left == 0);
}
}  // namespace
