// Storage on systems that these tests do not run on: what each can and cannot do is played by a fake.
#include "../support/fake_system.hpp"
#include "../support/random.hpp"
#include "../support/scale.hpp"
#include <doctest/doctest.h>
#include <zmm/zmm.hpp>
#include <cstring>
#include <vector>

namespace {
using std::size_t;
using namespace zmm_test;

constexpr size_t mib = size_t{1} << 20;

struct block {
  unsigned char* start;
  size_t bytes, reserve, alignment;
  unsigned char with;
};

void mark(block& b, size_t page) {
  for (size_t at = 0; at < b.bytes; at += page) b.start[at] = static_cast<unsigned char>(b.with + at / page);
}
bool is_marked(block const& b, size_t bytes, size_t page) {
  for (size_t at = 0; at < bytes; at += page)
    if (b.start[at] != static_cast<unsigned char>(b.with + at / page)) return false;
  return true;
}
bool overlap(block const& a, block const& b) { return a.start < b.start + b.bytes && b.start < a.start + a.bytes; }

// Each call once in a while, with blocks of all kinds; what the storage says it did, it did.
template <class Like> void walk(size_t page, unsigned steps, std::uint64_t seed) {
  using system = fake_system<Like>;
  fake_storage_type<Like> storage;
  std::vector<block> blocks;
  random_source random{seed};
  auto const up_to = [&](size_t n) { return random.below(n); };
  unsigned char with = 0;
  for (unsigned step = 0; step < steps && system::now().broken.empty(); ++step) {
    size_t const what = up_to(10);
    if (blocks.empty() || (what < 4 && blocks.size() < 24)) {
      size_t const bytes = (1 + up_to(up_to(4) == 0 ? 64 : 4)) * page;
      size_t const alignment = up_to(2) == 0 ? page : size_t{1} << (12 + up_to(10));
      size_t const reserve = bytes + (up_to(3) == 0 ? page : up_to(3) == 0 ? 16 * page : 0);
      void* const p = storage.allocate(bytes, alignment, reserve);
      bool const may_refuse = system::now().refuse_map != 0 || system::now().refuse_open != 0 || reserve != bytes;
      if (!may_refuse) REQUIRE(p != nullptr);
      if (p == nullptr) continue;
      block b{static_cast<unsigned char*>(p), bytes, reserve, alignment, ++with};
      REQUIRE(zmm::detail::is_aligned(p, alignment));
      for (block const& other : blocks) REQUIRE_FALSE(overlap(b, other));
      mark(b, page);
      blocks.push_back(b);
      continue;
    }
    size_t const i = up_to(blocks.size());
    block& b = blocks[i];
    REQUIRE(is_marked(b, b.bytes, page));
    if (what < 6) {
      storage.deallocate(b.start, b.bytes, b.reserve);
      blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i));
    } else if (what == 6) {
      size_t const to = b.bytes + (1 + up_to(8)) * page;
      if (storage.extend(b.start, b.bytes, to)) {
        b.bytes = to;
        if (b.reserve < to) b.reserve = to;
        mark(b, page);
      }
    } else if (what == 7 && b.bytes > page) {
      size_t const to = b.bytes - (1 + up_to(b.bytes / page - 1)) * page;
      if (to != 0 && storage.truncate(b.start, b.bytes, to)) {
        if (b.reserve <= b.bytes) b.reserve = to;
        b.bytes = to;
      }
    } else if (what == 8 && b.reserve <= b.bytes) {
      size_t const to = (1 + up_to(2 * b.bytes / page)) * page, kept = to < b.bytes ? to : b.bytes;
      if (to == b.bytes) continue;
      void* const p = storage.move(b.start, b.bytes, to, b.alignment);
      if (p == nullptr) continue;
      REQUIRE(zmm::detail::is_aligned(p, b.alignment));
      b.start = static_cast<unsigned char*>(p);
      REQUIRE(is_marked(b, kept, page));
      b.bytes = b.reserve = to;
      mark(b, page);
    } else if (storage.purge(b.start, page)) {
      mark(b, page);
    }
  }
  CHECK(system::now().broken == "");
  for (block const& b : blocks) storage.deallocate(b.start, b.bytes, b.reserve);
  CHECK(system::now().broken == "");
}

#define ZMM_TEST_SYSTEMS like_linux, like_macos, like_freebsd, like_windows, like_old_windows, like_plain_posix, like_no_reserves

TEST_CASE_TEMPLATE("systems: storage keeps its contract on each, and gives everything back", Like, ZMM_TEST_SYSTEMS) {
  using system = fake_system<Like>;
  for (size_t page : {size_t{4096}, size_t{16384}, size_t{65536}}) {
    CAPTURE(page);
    pages_of const size{page};
    for (unsigned misalign : {0U, 1U, 3U}) {
      CAPTURE(misalign);
      system::reset();
      system::now().misalign = misalign;
      walk<Like>(page, 400, page + misalign);
      CHECK((system::now().mapped == 0 && zmm::detail::os_leftovers.count() == 0));
    }
    system::reset();
  }
}

TEST_CASE_TEMPLATE("systems: one that refuses now and then breaks nothing", Like, ZMM_TEST_SYSTEMS) {
  using system = fake_system<Like>;
  for (size_t page : {size_t{4096}, size_t{65536}}) {
    CAPTURE(page);
    pages_of const size{page};
    system::reset();
    system::now().misalign = system::now().refuse_map = system::now().refuse_open = 4;
    system::now().refuse_move = system::now().moves_lose_place = 2;
    walk<Like>(page, 600, page);
    CHECK((system::now().mapped == 0 && zmm::detail::os_leftovers.count() == 0));
    if (Like::parts) {  // one that gives back as a whole does so
      system::reset();
      system::now().refuse_unmap = 3;
      walk<Like>(page, 400, page + 1);
      settle<Like>();
      CHECK((system::now().mapped == 0 && zmm::detail::os_leftovers.count() == 0));
    }
    system::reset();
  }
}

TEST_CASE_TEMPLATE("systems: one that has nothing more to give says no, and all that was taken goes back", Like, ZMM_TEST_SYSTEMS) {
  using system = fake_system<Like>;
  system::reset();
  fake_storage_type<Like> storage;
  size_t const page = zmm::os_page_size();
  void* const p = storage.allocate(4 * mib, 2 * mib, 4 * mib);
  REQUIRE(p != nullptr);
  size_t const mapped = system::now().mapped;
  system::now().refuse_map = 1;
  CHECK(storage.allocate(2 * mib, 2 * mib, 2 * mib) == nullptr);
  CHECK(storage.allocate(2 * mib, 2 * mib, 2 * mib + page) == nullptr);
  CHECK(storage.allocate(2 * mib, 2 * mib, 8 * mib) == nullptr);
  CHECK_FALSE(storage.extend(p, 4 * mib, 6 * mib));
  CHECK(storage.move(p, 4 * mib, 6 * mib, 2 * mib) == nullptr);
  CHECK(system::now().mapped == mapped);
  storage.deallocate(p, 4 * mib, 4 * mib);
  CHECK((system::now().mapped == 0 && system::now().broken == ""));
}

TEST_CASE("systems: where the kernel aligns, a chunk is one call") {
  using system = fake_system<like_macos>;
  system::reset();
  fake_storage_type<like_macos> storage;
  void* blocks[8];
  for (void*& b : blocks) b = storage.allocate(2 * mib, 2 * mib, 2 * mib);
  CHECK((system::now().maps_aligned == 8 && system::now().maps == 0 && system::now().unmaps == 0));
  for (void* b : blocks) storage.deallocate(b, 2 * mib, 2 * mib);
  CHECK((system::now().unmaps == 8 && system::now().mapped == 0));
}

TEST_CASE("systems: where a kernel was asked to align and did not, the slack goes back") {
  using system = fake_system<like_freebsd>;
  system::reset();
  system::now().misalign = 1;
  fake_storage_type<like_freebsd> storage;
  void* const p = storage.allocate(2 * mib, 2 * mib, 2 * mib);
  REQUIRE(p != nullptr);
  CHECK((zmm::detail::is_aligned(p, 2 * mib) && system::now().mapped == 2 * mib));
  storage.deallocate(p, 2 * mib, 2 * mib);
  CHECK(system::now().mapped == 0);
}

TEST_CASE("systems: where mappings go back as a whole only, the slack stays reserved with its block, and takes no memory") {
  using system = fake_system<like_old_windows>;
  system::reset();
  system::now().misalign = 1;
  fake_storage_type<like_old_windows> storage;
  void* const p = storage.allocate(2 * mib, 2 * mib, 2 * mib);
  REQUIRE(p != nullptr);
  size_t const page = zmm::os_page_size();
  CHECK((system::now().mapped > 2 * mib && system::now().open.size() * page == 2 * mib));
  REQUIRE(storage.truncate(p, 2 * mib, mib));
  CHECK(system::now().open.size() * page == mib);
  storage.deallocate(p, mib, mib);
  CHECK((system::now().mapped == 0 && system::now().broken == ""));
}

TEST_CASE("systems: memory that can be committed grows inside its reserve, and the tail is decommitted") {
  using system = fake_system<like_windows>;
  system::reset();
  fake_storage_type<like_windows> storage;
  size_t const page = zmm::os_page_size();
  void* const p = storage.allocate(2 * mib, 2 * mib, 8 * mib);
  REQUIRE(p != nullptr);
  CHECK(system::now().open.size() * page == 2 * mib);
  REQUIRE(storage.extend(p, 2 * mib, 8 * mib));
  CHECK(system::now().open.size() * page == 8 * mib);
  CHECK_FALSE(storage.extend(p, 8 * mib, 9 * mib));
  REQUIRE(storage.truncate(p, 8 * mib, 4 * mib));
  CHECK(system::now().open.size() * page == 4 * mib);
  CHECK(storage.move(p, 4 * mib, 16 * mib, 2 * mib) == nullptr);
  storage.deallocate(p, 4 * mib, 4 * mib);
  CHECK((system::now().mapped == 0 && system::now().broken == ""));
}

// ---- engines on each

// Where the system refuses nothing, no block is refused.
template <class Engine> void churn(Engine& engine, unsigned steps, std::uint64_t seed, bool may_refuse) {
  struct live {
    unsigned char* p;
    size_t bytes;
  };
  std::vector<live> blocks;
  random_source random{seed};
  for (unsigned i = 0; i < steps; ++i) {
    if (blocks.size() < 8 || (blocks.size() < 300 && random.below(3) != 0)) {
      size_t const bytes = 1 + random.below(random.below(12) == 0 ? 3000000 : random.below(4) == 0 ? 20000 : 300);
      auto* const p = static_cast<unsigned char*>(engine.try_allocate(bytes));
      if (!may_refuse) REQUIRE(p != nullptr);
      if (p == nullptr) continue;
      std::memset(p, static_cast<int>(bytes & 255), bytes < 64 ? bytes : 64);
      p[bytes - 1] = static_cast<unsigned char>(bytes);
      blocks.push_back({p, bytes});
    } else {
      size_t const at = random.below(blocks.size());
      live const b = blocks[at];
      REQUIRE((b.p[0] == static_cast<unsigned char>(b.bytes) && b.p[b.bytes - 1] == static_cast<unsigned char>(b.bytes)));
      engine.deallocate(b.p, b.bytes);
      blocks[at] = blocks.back();
      blocks.pop_back();
    }
  }
  for (live const& b : blocks) engine.deallocate(b.p, b.bytes);
}

template <class Engine, class Like> void lives_on(size_t page) {
  using system = fake_system<Like>;
  bool const may_refuse = system::now().refuse_map != 0;
  fake_storage_type<Like> storage;
  {
    Engine h{storage};
    churn(h, 2000, page, may_refuse);
    h.verify();
    (void)h.trim();
    churn(h, 500, page + 1, may_refuse);
  }
  CHECK((system::now().mapped == 0 && system::now().broken == ""));
}

TEST_CASE_TEMPLATE("systems: engines work on each, with pages of every size, and give everything back", Like, ZMM_TEST_SYSTEMS) {
  using system = fake_system<Like>;
  for (size_t page : {size_t{4096}, size_t{16384}, size_t{65536}}) {
    CAPTURE(page);
    pages_of const size{page};
    for (unsigned badly : {0U, 5U}) {
      CAPTURE(badly);
      system::reset();
      system::now().misalign = system::now().refuse_map = system::now().refuse_open = badly;
      lives_on<zmm::heap, Like>(page);
      lives_on<zmm::segment_heap, Like>(page);
      lives_on<zmm::hardened_heap, Like>(page);
      fake_storage_type<Like> storage;
      {
        zmm::request_pool pool{storage};
        zmm::request_heap r{pool};
        churn(r, 2000, page, badly != 0);
      }
      CHECK((system::now().mapped == 0 && system::now().broken == ""));
    }
    system::reset();
  }
}
}  // namespace
