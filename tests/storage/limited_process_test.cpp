// A process whose address space, data or locked memory is limited: address space ahead is taken only where it takes
// nothing away from others, and what the system refuses is refused, without a loss.
#include <zmm/zmm.hpp>

#include "../support/child.hpp"
#include "../support/sanitizers.hpp"
#include <doctest/doctest.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {
using std::size_t;
using namespace zmm_test;

// A sanitizer has taken terabytes of address space before a limit comes.
constexpr bool can_run = !under_address_sanitizer && !under_thread_sanitizer && !zmm::detail::under_sanitizer;
constexpr size_t mib = size_t{1} << 20;

template <class Heap> void* grow(Heap& heap, size_t to) {
  void* p = heap.allocate(1000);
  for (size_t n = 2000; n < to; n *= 2) p = heap.reallocate(p, n);
  return p;
}

TEST_CASE_TEMPLATE("limited address space: a growing block takes none of it ahead", Heap, zmm::heap, zmm::segment_heap) {
  if (!can_run) return;
  CHECK(holds_in_child([](findings& found) {
    limit_to(RLIMIT_AS, mapped_bytes() + 1530 * mib);
    Heap heap;
    void* p = grow(heap, 6 * mib);
    void* other = ::mmap(nullptr, 1400 * mib, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    found.that(other != MAP_FAILED, "the rest is left to the rest of the program");
    heap.deallocate(p);
  }));
}

TEST_CASE_TEMPLATE("limited address space: growing blocks go on as long as there is any", Heap, zmm::heap,
                   zmm::segment_heap) {
  if (!can_run) return;
  CHECK(holds_in_child([](findings& found) {
    limit_to(RLIMIT_AS, mapped_bytes() + 4000 * mib);
    Heap heap;
    std::vector<void*> blocks;
    for (int i = 0; i < 200; ++i) blocks.push_back(grow(heap, 6 * mib));
    found.that(heap.try_allocate(64 * mib) != nullptr, "and there is more");
    for (void* p : blocks) heap.deallocate(p);
    heap.verify();
  }));
}

TEST_CASE("limited address space: a wide limit grants its share, and no more in all") {
  if (!can_run) return;
  CHECK(holds_in_child([](findings& found) {
    zmm::storage& os = zmm::os_storage();
    size_t const page = zmm::os_page_size(), gib = 1024 * mib;
    limit_to(RLIMIT_AS, 64 * gib);
    std::vector<void*> held;
    while (void* p = os.allocate(page, page, gib)) held.push_back(p);
    found.that(held.size() == 4, "a sixteenth is given out");
    void* const guarded = os.allocate(page, page, page + page);
    found.that(guarded != nullptr, "a guard page is always given");
    os.deallocate(guarded, page, page + page);
    os.deallocate(held.back(), page, gib);
    found.that(os.allocate(page, page, gib) != nullptr, "what comes back is there again");
  }));
}

TEST_CASE("unlimited address space: many blocks have address space ahead, and all of them no more than an eighth") {
  if (!can_run) return;
  CHECK(holds_in_child([](findings& found) {
    zmm::storage& os = zmm::os_storage();
    size_t const page = zmm::os_page_size();
    if (sizeof(void*) < 8) return;
    size_t const tera = size_t{1} << 40;
    std::vector<void*> held;
    while (void* p = os.allocate(page, page, tera)) {
      held.push_back(p);
      if (held.size() == 1000) break;
    }
    std::uintptr_t highest = 0;
    for (void* p : held) highest |= reinterpret_cast<std::uintptr_t>(p);
    found.that(held.size() * tera <= (highest | 0xFFF) / 4, "the process keeps most of its addresses");
    found.that(os.allocate(page, page, page) != nullptr, "others find room");
    for (void* p : held) os.deallocate(p, page, tera);
  }));
}

TEST_CASE("limited address space: what cannot move leaves nothing behind") {
  if (!can_run) return;
  CHECK(holds_in_child([](findings& found) {
    zmm::storage& os = zmm::os_storage();
    size_t const from = 2 * mib, to = 64 * mib;
    void* p = os.allocate(from, from, from);
    found.that(p != nullptr, "there is memory");
    std::memset(p, 1, from);
    // A stranger behind it, so that it has to move.
    (void)::mmap(static_cast<char*>(p) + from, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    for (size_t room : {to / 4, to + 3 * mib, to + 30 * mib, 2 * to - mib, 2 * to + 8 * mib}) {
      limit_to(RLIMIT_AS, mapped_bytes() + room);
      size_t bytes = from;
      for (int i = 0; i < 20; ++i) {
        size_t const before = mapped_bytes();
        errno = 1234;
        void* const q = os.move(p, from, to, from);
        found.that(errno == 1234, "errno is left alone");
        if (q != nullptr) {
          p = q;
          bytes = to;
          break;
        }
        found.that(mapped_bytes() == before, "no address space is lost");
      }
      found.that(static_cast<unsigned char*>(p)[from - 1] == 1, "it holds what was written");
      if (bytes != from) found.that(os.truncate(p, bytes, from), "and it shrinks again");
      rlimit none{RLIM_INFINITY, RLIM_INFINITY};
      if (::setrlimit(RLIMIT_AS, &none) != 0) return;  // only root may raise it again
    }
    os.deallocate(p, from, from);
  }));
}

TEST_CASE("limited data: what is refused changes nothing") {
  if (!can_run) return;
  CHECK(holds_in_child([](findings& found) {
    zmm::storage& os = zmm::os_storage();
    size_t const page = zmm::os_page_size();
    auto* const ahead = static_cast<unsigned char*>(os.allocate(page, page, 512 * mib));
    auto* const plain = static_cast<unsigned char*>(os.allocate(2 * mib, 2 * mib, 2 * mib));
    found.that(ahead != nullptr && plain != nullptr, "there is memory");
    ahead[0] = plain[0] = 1;
    limit_to(RLIMIT_DATA, data_bytes() + 16 * mib);
    size_t const before = mapped_bytes();
    for (int i = 0; i < 20; ++i) {
      found.that(os.allocate(256 * mib, page, 256 * mib) == nullptr, "too much is refused");
      found.that(os.allocate(256 * mib, page, 512 * mib) == nullptr, "with address space ahead as well");
      found.that(!os.extend(ahead, page, 256 * mib), "and in growing");
      found.that(os.move(plain, 2 * mib, 256 * mib, 2 * mib) == nullptr, "and in moving");
    }
    found.that(mapped_bytes() == before, "no address space is lost");
    found.that(ahead[0] == 1 && plain[0] == 1, "blocks are as they were");
    found.that(os.extend(ahead, page, mib), "a little more is granted");
    os.deallocate(ahead, mib, 512 * mib);
    os.deallocate(plain, 2 * mib, 2 * mib);
  }));
}

TEST_CASE("locked memory: blocks come, grow, shrink, move and go") {
  if (!can_run) return;
  CHECK(holds_in_child([](findings& found) {
    if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
      std::fprintf(stderr, "skipped: this process may not lock its memory\n");
      return;
    }
    zmm::storage& os = zmm::os_storage();
    size_t const page = zmm::os_page_size();
    size_t const start = mapped_bytes();
    auto* p = static_cast<unsigned char*>(os.allocate(8 * mib, 2 * mib, 64 * mib));
    found.that(p != nullptr, "there is memory");
    if (p == nullptr) return;
    std::memset(p, 1, 8 * mib);
    size_t const before = resident_bytes();
    found.that(os.truncate(p, 8 * mib, page), "it shrinks");
    found.that(before - resident_bytes() + mib >= 8 * mib, "the memory went back");
    found.that(os.extend(p, page, 4 * mib), "it grows");
    p[4 * mib - 1] = 1;
    found.that(p[0] == 1, "and holds what was written");
    os.deallocate(p, 4 * mib, 64 * mib);
    p = static_cast<unsigned char*>(os.allocate(2 * mib, 2 * mib, 2 * mib));
    p[0] = 2;
    size_t bytes = 2 * mib;
    if (void* const q = os.move(p, bytes, 6 * mib, 2 * mib)) p = static_cast<unsigned char*>(q), bytes = 6 * mib;
    found.that(p[0] == 2, "moved or not");
    os.deallocate(p, bytes, bytes);
    found.that(mapped_bytes() <= start + mib, "nothing stays behind");
  }));
}

TEST_CASE("a size that the system refuses to map is refused with address space ahead as well") {
  if (!can_run || sizeof(void*) < 8) return;
  size_t const page = zmm::os_page_size(), tera = size_t{1} << 40;
  void* const plain = ::mmap(nullptr, tera, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (plain != MAP_FAILED) {
    ::munmap(plain, tera);
    MESSAGE("skipped: this system grants any size");
    return;
  }
  size_t const before = mapped_bytes();
  for (zmm::storage* from : {&zmm::os_storage(), &zmm::huge_page_storage(), &zmm::zero_storage()}) {
    CHECK(from->allocate(tera, page, tera) == nullptr);
    CHECK(from->allocate(tera, page, tera + page) == nullptr);
    CHECK(from->allocate(tera, page, 4 * tera) == nullptr);
    void* const small = from->allocate(page, page, 4 * tera);
    if (small == nullptr) continue;
    CHECK_FALSE(from->extend(small, page, tera));
    from->deallocate(small, page, 4 * tera);
  }
  CHECK(mapped_bytes() <= before + mib);
  zmm::heap heap;
  CHECK(heap.try_allocate(tera) == nullptr);
  void* p = heap.allocate(100000);
  CHECK_THROWS_AS(p = heap.reallocate(p, tera), std::bad_alloc);
  heap.deallocate(p);
  zmm::hardened_heap guarded;
  CHECK(guarded.try_allocate(tera) == nullptr);
}
}  // namespace
