// Every storage keeps the contract of storage/storage.hpp: what it hands out, what it may refuse, and what it then leaves
// as it was.
#include "../support/checking_storage.hpp"
#include "../support/random.hpp"
#include "../support/sanitizers.hpp"
#include "../support/scale.hpp"
#include "../support/storages.hpp"
#include <doctest/doctest.h>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

namespace {
using std::size_t;
using zmm_test::checking_storage;
using zmm_test::os_page;

constexpr size_t mib = size_t{1} << 20;

unsigned char* bytes_of(void* p) { return static_cast<unsigned char*>(p); }

// Writes to each page of a block what tells it from others, and looks whether it is there.
void mark(void* block, size_t bytes, size_t with) {
  for (size_t at = 0; at < bytes; at += os_page()) bytes_of(block)[at] = static_cast<unsigned char>(at / os_page() + with);
}
bool is_marked(void const* block, size_t bytes, size_t with) {
  auto const* const p = static_cast<unsigned char const*>(block);
  for (size_t at = 0; at < bytes; at += os_page())
    if (p[at] != static_cast<unsigned char>(at / os_page() + with)) return false;
  return true;
}

TEST_CASE_TEMPLATE("storage: blocks are aligned to any power of two and usable from end to end", From, ZMM_TEST_STORAGES) {
  From from;
  checking_storage source{from.get()};
  for (size_t alignment = 1; alignment <= 16 * mib; alignment *= 4)
    for (size_t bytes : {os_page(), 3 * os_page(), 2 * mib, 2 * mib + os_page(), 5 * mib}) {
      void* const p = source.allocate(bytes, alignment, bytes);
      REQUIRE(p != nullptr);
      mark(p, bytes, 1);
      void* const q = source.allocate(bytes, alignment, bytes);
      REQUIRE(q != nullptr);
      mark(q, bytes, 2);
      CHECK((is_marked(p, bytes, 1) && is_marked(q, bytes, 2)));
      source.deallocate(p, bytes, bytes);
      source.deallocate(q, bytes, bytes);
    }
}

TEST_CASE_TEMPLATE("storage: what cannot be is null", From, ZMM_TEST_STORAGES) {
  // A sanitizer's malloc ends a program that asks for too much.
  if (From::is_malloc && (zmm_test::under_address_sanitizer || zmm_test::under_thread_sanitizer)) return;
  From from;
  zmm::storage& source = from.get();
  size_t const most = ~size_t{0} - os_page() + 1, page = os_page();
  // Half of 32 bits is there: a program for them has all four GiB under a kernel of 64 bits.
  for (size_t bytes : {most, sizeof most == 8 ? most / 2 : most, most - 4 * mib}) {
    bytes = bytes / page * page;
    CHECK(source.allocate(bytes, page, bytes) == nullptr);
    CHECK(source.allocate(bytes, 2 * mib, bytes) == nullptr);
    if (bytes < most) CHECK(source.allocate(bytes, page, bytes + page) == nullptr);
  }
  if (sizeof page == 8) CHECK(source.allocate(page, size_t{1} << 31 << 32, page) == nullptr);  // 2 GiB is an address of 32 bits
}

TEST_CASE_TEMPLATE("storage: with a reserve or a guard page, or refused", From, ZMM_TEST_STORAGES) {
  From from;
  checking_storage source{from.get()};
  for (size_t bytes : {os_page(), 2 * mib, 3 * mib})
    for (size_t reserve : {bytes + os_page(), bytes + 8 * mib}) {
      size_t held = reserve, now = bytes;
      void* p = source.allocate(bytes, 2 * mib, reserve);
      if (p == nullptr) p = source.allocate(bytes, 2 * mib, held = bytes);
      REQUIRE(p != nullptr);
      mark(p, bytes, 1);
      if (reserve > bytes + os_page() && source.extend(p, bytes, reserve)) {
        CHECK(is_marked(p, bytes, 1));
        held = now = reserve;
        mark(p, now, 2);
        if (source.truncate(p, now, os_page())) {
          held = now = os_page();
          CHECK(is_marked(p, now, 2));
        }
      } else if (bytes != os_page() && source.truncate(p, bytes, os_page())) {
        now = os_page();
        if (held == bytes) held = now;
        CHECK(is_marked(p, now, 1));
      }
      source.deallocate(p, now, held);
    }
}

TEST_CASE_TEMPLATE("storage: growing, shrinking, purging and moving keep what they leave", From, ZMM_TEST_STORAGES) {
  From from;
  checking_storage source{from.get()};
  struct block { void* p; size_t bytes, reserve, with; };
  std::vector<block> blocks;
  zmm_test::random_source random{7};
  size_t const page = os_page();
  auto const size = [&] { return random.one_in(3) ? random.between(1, 3) * mib : random.between(1, 60) * page; };
  size_t refused = 0, done = 0;
  for (size_t i = 0; i < zmm_test::scaled(2000); ++i) {
    if (blocks.size() < 20 || (blocks.size() < 40 && random.one_in(3))) {
      size_t const bytes = size(), alignment = page << random.below(11);
      size_t const reserve = random.one_in(3) ? bytes + size() : bytes;
      if (void* p = source.allocate(bytes, alignment, reserve)) {
        mark(p, bytes, i);
        blocks.push_back({p, bytes, reserve, i});
      } else {
        CHECK((reserve != bytes || blocks.size() > 15));
      }
      continue;
    }
    size_t const at = random.below(blocks.size());
    block& b = blocks[at];
    REQUIRE(is_marked(b.p, b.bytes, b.with));
    errno = 4321;
    bool changed = true;
    switch (random.below(5)) {
      case 0: {
        size_t const to = b.bytes + (random.one_in(2) ? page : size());
        changed = source.extend(b.p, b.bytes, to);
        if (changed) b.bytes = to, b.reserve = b.reserve < to ? to : b.reserve;
        break;
      }
      case 1: {
        if (b.bytes == page) break;
        size_t const to = random.between(1, b.bytes / page - 1) * page;
        changed = source.truncate(b.p, b.bytes, to);
        if (!changed) break;
        if (b.reserve == b.bytes) b.reserve = to;
        b.bytes = to;
        break;
      }
      case 2: {
        size_t const first = random.below(b.bytes / page) * page, n = random.between(1, (b.bytes - first) / page) * page;
        std::vector<unsigned char> const before(bytes_of(b.p), bytes_of(b.p) + b.bytes);
        errno = 4321;  // malloc may have changed it
        changed = source.purge(bytes_of(b.p) + first, n);
        if (!changed) CHECK(std::memcmp(before.data(), b.p, b.bytes) == 0);
        CHECK(std::memcmp(before.data(), b.p, first) == 0);
        CHECK(std::memcmp(before.data() + first + n, bytes_of(b.p) + first + n, b.bytes - first - n) == 0);
        break;
      }
      case 3: {
        if (b.reserve != b.bytes) break;
        size_t const to = size(), kept = to < b.bytes ? to : b.bytes;
        void* const p = source.move(b.p, b.bytes, to, page << random.below(10));
        changed = p != nullptr;
        if (!changed) break;
        CHECK(is_marked(p, kept, b.with));
        b = {p, to, to, b.with};
        break;
      }
      default:
        source.deallocate(b.p, b.bytes, b.reserve);
        CHECK(errno == 4321);
        b = blocks.back();
        blocks.pop_back();
        continue;
    }
    ++(changed ? done : refused);
    CHECK(errno == 4321);
    if (!changed) CHECK(is_marked(b.p, b.bytes, b.with));
    mark(b.p, b.bytes, b.with);
  }
  for (block const& b : blocks) {
    CHECK(is_marked(b.p, b.bytes, b.with));
    source.deallocate(b.p, b.bytes, b.reserve);
  }
  CHECK(done > 0);
}

TEST_CASE_TEMPLATE("storage: threads at once, where that is promised", From, ZMM_TEST_STORAGES) {
  if (!From::shared) return;
  From from;
  zmm::storage& source = from.get();
  std::vector<size_t> wrong(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      zmm_test::random_source random{t + 1};
      for (size_t i = 0; i < zmm_test::scaled(100); ++i) {
        size_t const unit = random.one_in(2) ? os_page() : 2 * mib;
        size_t bytes = random.between(1, 4) * unit, reserve = random.one_in(3) ? bytes + 4 * mib : bytes;
        void* p = source.allocate(bytes, unit, reserve);
        if (p == nullptr) p = source.allocate(bytes, unit, reserve = bytes);
        if (p == nullptr) {
          ++wrong[t];
          continue;
        }
        mark(p, bytes, t);
        if (random.one_in(2) && source.extend(p, bytes, bytes + unit)) {
          bytes += unit;
          if (reserve < bytes) reserve = bytes;
          mark(p, bytes, t);
        }
        if (reserve == bytes && random.one_in(2))
          if (void* const q = source.move(p, bytes, bytes + unit, unit)) {
            wrong[t] += !is_marked(q, bytes, t);
            source.deallocate(q, bytes + unit, bytes + unit);
            continue;
          }
        wrong[t] += !is_marked(p, bytes, t);
        source.deallocate(p, bytes, reserve);
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (size_t w : wrong) CHECK(w == 0);
}
}  // namespace
