// Chunks out of the caller's buffer: inside it, apart from each other, joined again when they come back.
#include <zmm/storage/buffer_storage.hpp>

#include "../support/checking_storage.hpp"
#include "../support/engines.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <algorithm>
#include <doctest/doctest.h>
#include <initializer_list>
#include <sys/mman.h>
#include <vector>

namespace {
using std::size_t;
using zmm_test::os_page;

TEST_CASE("buffer_storage: a buffer of any size and place never hands out what it has not") {
  std::vector<unsigned char> memory(64 * 4096 + 256);
  for (size_t skip : std::initializer_list<size_t>{0, 1, 7, 63, 64, 65})
    for (size_t bytes : {size_t{0}, size_t{1}, size_t{15}, size_t{64}, size_t{127}, size_t{4095}, size_t{4096}, size_t{40000}}) {
      unsigned char* const first = memory.data() + skip;
      zmm::buffer_storage fixed{first, bytes};
      size_t got = 0;
      while (void* p = fixed.allocate(4096, 4096, 4096)) {
        auto* const at = static_cast<unsigned char*>(p);
        REQUIRE((at >= first && at + 4096 <= first + bytes));
        at[0] = at[4095] = 1;
        ++got;
      }
      CHECK(got <= bytes / 4096);
      CHECK(got + 2 >= bytes / 4096);
    }
}

TEST_CASE("buffer_storage: what bytes_for names is enough, wherever the buffer lies") {
  size_t const unit = 16 * os_page();
  std::vector<unsigned char> memory(zmm::buffer_storage::bytes_for(3, unit) + 200);
  for (size_t skip : std::initializer_list<size_t>{0, 1, 8, 64, 199}) {
    zmm::buffer_storage fixed{memory.data() + skip, zmm::buffer_storage::bytes_for(3, unit)};
    for (int i = 0; i < 3; ++i) CHECK(fixed.allocate(unit, unit, unit) != nullptr);
  }
}

TEST_CASE("buffer_storage: what bytes_for names holds as many chunks of a heap, whatever their number and wherever it lies") {
  using options = zmm_test::small_chunks;
  constexpr size_t chunk = options::geometry::chunk_bytes;
  size_t const page = os_page(), most = sizeof(void*) == 4 ? 1600 : 3000;  // MIPS has 2 GiB of addresses
  size_t const all = zmm::buffer_storage::bytes_for(most, chunk) + 2 * chunk;
  auto* const memory = static_cast<unsigned char*>(
      ::mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  REQUIRE(memory != MAP_FAILED);
  unsigned char* const boundary = static_cast<unsigned char*>(zmm::detail::offset(
      memory, zmm::detail::align_up(zmm::detail::address_of(memory), chunk) + chunk - zmm::detail::address_of(memory)));
  for (size_t count : {size_t{1}, size_t{2}, size_t{5}, size_t{6}, size_t{7}, size_t{8}, size_t{12}, size_t{50}, size_t{96},
                       size_t{97}, size_t{192}, size_t{193}, size_t{400}, size_t{1537}, most})
    for (size_t below : {size_t{0}, size_t{1}, size_t{64}, size_t{100}, size_t{2048}, page - 1, page, page + 1, 2 * page, 3 * page + 64,
                         16 * page, 17 * page + 5, 33 * page, chunk / 2, chunk - page, chunk - 64, chunk - 1}) {
      if (below > chunk || (count > 400 && below % 3 != 0)) continue;
      CAPTURE(count);
      CAPTURE(below);
      zmm::buffer_storage fixed{boundary - below, zmm::buffer_storage::bytes_for(count, chunk)};
      zmm_test::checking_storage checked{fixed};
      zmm::basic_heap<options> heap{checked};
      size_t const each = chunk - 2 * options::geometry::page_bytes;
      std::vector<void*> held;
      for (size_t i = 0; i < count; ++i)
        if (void* const p = heap.try_allocate(each)) held.push_back(p);
      CHECK(held.size() == count);
      // And again after any of them were given back.
      for (size_t i = 0; i < held.size(); i += 2) heap.deallocate(held[i], each);
      (void)heap.trim();
      for (size_t i = 0; i < held.size(); i += 2) held[i] = heap.try_allocate(each);
      CHECK(std::count(held.begin(), held.end(), nullptr) == 0);
    }
  ::munmap(memory, all);
}

TEST_CASE("buffer_storage: what bytes_for names can be known while compiling, and never wraps") {
  using zmm::buffer_storage;
  constexpr size_t most = ~size_t{0}, unit = size_t{2} << 20;
  static_assert(buffer_storage::bytes_for(1, unit) == 2 * unit);
  static_assert(buffer_storage::bytes_for(6, unit) == 7 * unit);
  static_assert(buffer_storage::bytes_for(7, unit) > 8 * unit && buffer_storage::bytes_for(7, unit) < 9 * unit);
  static_assert(buffer_storage::bytes_for(most, unit) == most);
  static_assert(buffer_storage::bytes_for(most / unit, unit) == most);
  static_assert(buffer_storage::bytes_for(1, most) == most);
  static_assert(buffer_storage::bytes_for(most, 0) != 0);
  for (size_t count = 0; count < (sizeof(size_t) > 4 ? 100000 : 1000); count = count * 2 + 1)
    CHECK(buffer_storage::bytes_for(count, unit) < buffer_storage::bytes_for(count + 1, unit));
}

TEST_CASE("buffer_storage: blocks of less alignment than others lie at the high end, and leave them their room") {
  size_t const page = os_page(), unit = 16 * page;
  std::vector<unsigned char> memory(5 * unit + 64);
  zmm::buffer_storage fixed{memory.data(), 5 * unit};
  void* const first = fixed.allocate(unit, unit, unit);
  void* const table = fixed.allocate(page, page, page);
  REQUIRE((first != nullptr && table != nullptr));
  CHECK(zmm::detail::distance(table, memory.data() + 5 * unit) < 3 * page);
  void* const second = fixed.allocate(unit, unit, unit);
  CHECK(zmm::detail::distance(first, second) == unit);
  fixed.deallocate(table, page, page);
  fixed.deallocate(first, unit, unit);
  fixed.deallocate(second, unit, unit);
  CHECK(fixed.allocate(4 * unit, page, 4 * unit) != nullptr);  // one whole again
}

TEST_CASE("buffer_storage: requests that cannot be are null") {
  std::vector<unsigned char> memory(1 << 20);
  zmm::buffer_storage fixed{memory.data(), memory.size()};
  size_t const most = ~size_t{0} - os_page() + 1;
  CHECK(fixed.allocate(most, os_page(), most) == nullptr);
  CHECK(fixed.allocate(os_page(), ~size_t{0} / 2 + 1, os_page()) == nullptr);
  CHECK(fixed.allocate(2 << 20, os_page(), 2 << 20) == nullptr);
}

TEST_CASE("buffer_storage: random blocks taken, extended, truncated and returned leave one whole buffer") {
  std::vector<unsigned char> memory((4 << 20) + os_page());
  zmm::buffer_storage fixed{memory.data(), memory.size()};
  zmm_test::checking_storage checked{fixed};
  zmm_test::random_source random{42};
  struct block { void* p; size_t bytes, reserve; };
  std::vector<block> blocks;
  size_t const page = os_page();
  for (size_t i = 0; i < zmm_test::scaled(20000); ++i) {
    size_t const kind = random.below(10);
    if (kind < 5 || blocks.empty()) {
      size_t const bytes = random.between(1, 40) * page, alignment = page << random.below(6);
      if (void* p = checked.allocate(bytes, alignment, bytes)) blocks.push_back({p, bytes, bytes});
      continue;
    }
    size_t const at = random.below(blocks.size());
    block& b = blocks[at];
    if (kind == 5 && b.bytes > page) {
      size_t const to = random.between(1, b.bytes / page - 1) * page;
      if (checked.truncate(b.p, b.bytes, to)) b.bytes = b.reserve = to;
    } else if (kind == 6) {
      size_t const to = b.bytes + random.between(1, 20) * page;
      if (checked.extend(b.p, b.bytes, to)) b.bytes = b.reserve = to;
    } else if (kind == 7) {
      size_t const to = b.bytes + random.between(1, 20) * page;
      if (void* p = checked.move(b.p, b.bytes, to, page)) b = {p, to, to};
    } else {
      checked.deallocate(b.p, b.bytes, b.reserve);
      b = blocks.back();
      blocks.pop_back();
    }
  }
  for (block const& b : blocks) checked.deallocate(b.p, b.bytes, b.reserve);
  void* whole = checked.allocate(4 << 20, page, 4 << 20);
  REQUIRE(whole != nullptr);
  checked.deallocate(whole, 4 << 20, 4 << 20);
}

TEST_CASE("buffer_storage: address order and joining on either side") {
  std::vector<unsigned char> memory(1 << 20);
  zmm::buffer_storage fixed{memory.data(), memory.size()};
  size_t const page = os_page();
  void* p[5];
  for (void*& each : p) each = fixed.allocate(page, page, page);
  for (int i : {1, 3, 2, 0, 4}) fixed.deallocate(p[i], page, page);
  CHECK(fixed.allocate(5 * page, page, 5 * page) == p[0]);
}
}  // namespace
