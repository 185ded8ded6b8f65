// What comes from the operating system: aligned, zero or not, growing, shrinking, moving, and never somebody else's.
#include <zmm/storage/os_storage.hpp>

#include "../support/checking_storage.hpp"
#include "../support/child.hpp"
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <cerrno>
#include <cstring>
#include <vector>

namespace {
using std::size_t;
using zmm_test::os_page;

bool aligned(void const* p, size_t to) { return reinterpret_cast<std::uintptr_t>(p) % to == 0; }
unsigned char* bytes_of(void* p) { return static_cast<unsigned char*>(p); }

TEST_CASE("os_storage: blocks are aligned to any power of two and usable from end to end") {
  zmm_test::checking_storage os;
  for (size_t alignment = 1; alignment <= size_t{64} << 20; alignment *= 2) {
    size_t const bytes = 3 * os_page();
    void* p = os.allocate(bytes, alignment, bytes);
    REQUIRE(p != nullptr);
    CHECK(aligned(p, alignment));
    std::memset(p, 0x5a, bytes);
    os.deallocate(p, bytes, bytes);
  }
}

TEST_CASE("os_storage: what cannot be mapped is null, not an exception") {
  size_t const huge = ~size_t{0} - os_page() + 1;
  CHECK(zmm::os_storage().allocate(huge, os_page(), huge) == nullptr);
  CHECK(zmm::os_storage().allocate(huge / 2, size_t{2} << 20, huge / 2) == nullptr);
}

TEST_CASE("os_storage: extend makes reserved address space usable and keeps contents") {
  zmm_test::checking_storage os;
  size_t const page = os_page();
  unsigned char* p = bytes_of(os.allocate(page, size_t{2} << 20, 64 * page));
  REQUIRE(p != nullptr);
  std::memset(p, 1, page);
  CHECK(os.extend(p, page, 5 * page));
  std::memset(p + page, 2, 4 * page);
  CHECK(os.extend(p, 5 * page, 64 * page));
  std::memset(p + 5 * page, 3, 59 * page);
  CHECK((p[page - 1] == 1 && p[page] == 2 && p[5 * page] == 3));
  os.deallocate(p, 64 * page, 64 * page);
}

TEST_CASE("os_storage: extend without a reserve maps behind the block when that is free") {
  zmm::storage& os = zmm::os_storage();
  size_t const page = os_page();
  unsigned char* p = bytes_of(os.allocate(8 * page, page, 8 * page));
  REQUIRE(p != nullptr);
  REQUIRE(os.truncate(p, 8 * page, 2 * page));
  REQUIRE(os.extend(p, 2 * page, 8 * page));
  std::memset(p, 4, 8 * page);
  os.deallocate(p, 8 * page, 8 * page);
}

// Takes room for a block of one page and a stranger's mapping of `stranger_pages` right behind it.
struct neighbours {
  unsigned char* block = nullptr;
  unsigned char* stranger = nullptr;
  size_t pages;
  neighbours(int protection, size_t stranger_pages) : pages(stranger_pages) {
    zmm::storage& os = zmm::os_storage();
    size_t const page = os_page(), all = (1 + pages) * page;
    block = bytes_of(os.allocate(all, page, all));
    REQUIRE(block != nullptr);
    REQUIRE(os.truncate(block, all, page));
    void* const wanted = block + page;
    stranger = bytes_of(::mmap(wanted, pages * page, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    REQUIRE(stranger == wanted);
  }
  ~neighbours() {
    zmm::os_storage().deallocate(block, os_page(), os_page());
    ::munmap(stranger, pages * os_page());
  }
  neighbours(neighbours const&) = delete;
  neighbours& operator=(neighbours const&) = delete;
};

TEST_CASE("os_storage: extend never takes a mapping of somebody else's") {
  size_t const page = os_page();
  SUBCASE("that can be written") {
    neighbours n{PROT_READ | PROT_WRITE, 4};
    n.stranger[0] = 77;
    CHECK_FALSE(zmm::os_storage().extend(n.block, page, 2 * page));
    CHECK(n.stranger[0] == 77);
  }
  SUBCASE("that can only be read") {
    neighbours n{PROT_READ, 4};
    CHECK_FALSE(zmm::os_storage().extend(n.block, page, 5 * page));
  }
  SUBCASE("that cannot be touched, as the guard page of a thread's stack") {
    neighbours n{PROT_NONE, 4};
    CHECK_FALSE(zmm::os_storage().extend(n.block, page, 2 * page));
  }
}

TEST_CASE("os_storage: truncate gives the tail back and keeps the rest") {
  zmm_test::checking_storage os;
  size_t const page = os_page();
  unsigned char* p = bytes_of(os.allocate(10 * page, page, 10 * page));
  REQUIRE(p != nullptr);
  std::memset(p, 6, 10 * page);
  CHECK(os.truncate(p, 10 * page, 3 * page));
  CHECK((p[0] == 6 && p[3 * page - 1] == 6));
  os.deallocate(p, 3 * page, 3 * page);
}

TEST_CASE("os_storage: truncate of a block with a reserve keeps the reserve") {
  zmm_test::checking_storage os;
  size_t const page = os_page(), reserve = size_t{64} << 20;
  unsigned char* p = bytes_of(os.allocate(40 * page, page, reserve));
  REQUIRE(p != nullptr);
  std::memset(p, 6, 40 * page);
  CHECK(os.truncate(p, 40 * page, 3 * page));
  CHECK((p[0] == 6 && p[3 * page - 1] == 6));
  unsigned char resident[40];
  REQUIRE(::mincore(p, 40 * page, resident) == 0);
  for (size_t i = 3; i < 40; ++i) CHECK((resident[i] & 1) == 0);  // the memory behind it is gone
  CHECK(os.extend(p, 3 * page, 2000 * page));
  CHECK(p[3 * page] == 0);
  std::memset(p, 7, 2000 * page);
  CHECK(os.truncate(p, 2000 * page, page));
  CHECK(os.extend(p, page, reserve));  // to its end
  p[reserve - 1] = 1;
  CHECK_FALSE(os.extend(p, reserve, 2 * reserve));
  CHECK(os.truncate(p, reserve, page));  // no reserve beyond: the address space goes too
  CHECK(p[0] == 7);
  os.deallocate(p, page, page);
}

TEST_CASE("os_storage: purge keeps the addresses usable") {
  zmm_test::checking_storage os;
  size_t const page = os_page();
  unsigned char* p = bytes_of(os.allocate(4 * page, page, 4 * page));
  REQUIRE(p != nullptr);
  std::memset(p, 7, 4 * page);
  CHECK(os.purge(p + page, 2 * page));
  CHECK((p[0] == 7 && p[3 * page] == 7));
  std::memset(p + page, 8, 2 * page);
  CHECK(p[page] == 8);
  os.deallocate(p, 4 * page, 4 * page);
}

TEST_CASE("os_storage: move grows and shrinks a block, keeps its contents and honours the alignment") {
  zmm_test::checking_storage os;
  size_t const page = os_page(), unit = size_t{2} << 20;
  for (size_t round = 0; round < 8; ++round) {
    unsigned char* p = bytes_of(os.allocate(unit, unit, unit));
    void* blocker = os.allocate(unit, unit, unit);
    REQUIRE((p != nullptr && blocker != nullptr));
    for (size_t at = 0; at < unit; at += page) p[at] = static_cast<unsigned char>(at / page + round);
    if (void* moved = os.move(p, unit, 8 * unit, unit)) {
      p = bytes_of(moved);
      CHECK(aligned(p, unit));
      bool same = true;
      for (size_t at = 0; at < unit; at += page) same = same && p[at] == static_cast<unsigned char>(at / page + round);
      CHECK(same);
      p[8 * unit - 1] = 1;
      os.deallocate(p, 8 * unit, 8 * unit);
    } else {
      os.deallocate(p, unit, unit);
    }
    os.deallocate(blocker, unit, unit);
  }
}

TEST_CASE("os_storage: a block that was moved, then extended, is still one block and can be moved again") {
  zmm_test::checking_storage os;
  size_t const unit = size_t{2} << 20;
  unsigned char* p = bytes_of(os.allocate(unit, unit, unit));
  REQUIRE(p != nullptr);
  size_t bytes = unit, extended = 0;
  for (int round = 0; round < 40; ++round) {
    for (size_t at = 0; at < bytes; at += unit / 4) p[at] = static_cast<unsigned char>(at / unit + 1);
    if (round % 2 == 0) {
      void* moved = os.move(p, bytes, 2 * unit + bytes, unit);
      CHECK(moved != nullptr);
      if (moved == nullptr) break;
      p = bytes_of(moved);
      bytes += 2 * unit;
    } else if (os.extend(p, bytes, bytes + unit)) {
      bytes += unit;
      ++extended;
    }
  }
  CHECK(p[0] == 1);
  MESSAGE("extended in place " << extended << " times");
  os.deallocate(p, bytes, bytes);
}

TEST_CASE("os_storage: a block that has become two mappings is not moved, and no address space is lost by trying") {
  zmm::storage& os = zmm::os_storage();
  size_t const unit = size_t{2} << 20;
  unsigned char* const p = bytes_of(os.allocate(2 * unit, 2 * unit, 2 * unit));
  REQUIRE(p != nullptr);
  REQUIRE(::madvise(p + unit, unit, MADV_DONTFORK) == 0);  // the kernel notes it beside the mapping: now there are two
  std::memset(p, 5, 2 * unit);
  size_t const before = zmm_test::mapped_bytes();
  for (size_t alignment : {2 * unit, 64 * unit})
    for (int i = 0; i < 10; ++i) CHECK(os.move(p, 2 * unit, 32 * unit, alignment) == nullptr);
  CHECK(zmm_test::mapped_bytes() < before + 8 * unit);
  CHECK((p[0] == 5 && p[2 * unit - 1] == 5));
  os.deallocate(p, 2 * unit, 2 * unit);
}

TEST_CASE("os_storage: blocks of odd sizes take few system calls, for each lies below the one before") {
  zmm::storage& os = zmm::os_storage();
  size_t const page = os_page(), unit = size_t{2} << 20, each = unit + 5 * page;
  std::vector<void*> held;
  size_t below = 0;  // in a row
  for (int i = 0; i < 200 && below < 10; ++i) {
    held.push_back(os.allocate(each, unit, each));
    REQUIRE((held.back() != nullptr && aligned(held.back(), unit)));
    bool const is_below = i != 0 && zmm::detail::distance(held.back(), held[held.size() - 2]) == 2 * unit;
    below = is_below ? below + 1 : 0;
  }
  CHECK(below == 10);  // the first ones fill gaps in what the program has mapped
  for (void* p : held) os.deallocate(p, each, each);
}

TEST_CASE("os_storage: freeing leaves errno alone") {
  size_t const page = os_page();
  for (size_t reserve : {4 * page, 64 * page}) {
    void* const p = zmm::os_storage().allocate(4 * page, page, reserve);
    REQUIRE(p != nullptr);
    errno = 1234;
    zmm::os_storage().deallocate(p, 4 * page, reserve);
    CHECK(errno == 1234);
  }
}

TEST_CASE("os_storage: errno is left alone by what may fail quietly") {
  size_t const page = os_page();
  neighbours n{PROT_READ | PROT_WRITE, 2};
  errno = 1234;
  CHECK_FALSE(zmm::os_storage().extend(n.block, page, 2 * page));
  CHECK(errno == 1234);
}

TEST_CASE("a storage of one's own refuses what it does not offer") {
  struct minimal final : zmm::storage {
    void* allocate(size_t, size_t, size_t) override { return nullptr; }
    void deallocate(void*, size_t, size_t) noexcept override {}
  } source;
  CHECK_FALSE(source.extend(nullptr, 4096, 8192));
  CHECK_FALSE(source.truncate(nullptr, 8192, 4096));
  CHECK_FALSE(source.purge(nullptr, 4096));
  CHECK(source.move(nullptr, 4096, 8192, 4096) == nullptr);
}
}  // namespace
