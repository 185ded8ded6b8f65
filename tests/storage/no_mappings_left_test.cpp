// A process that has as many mappings as the kernel allows cannot give back what lies in the middle of one. Its memory
// goes back all the same, and its addresses are used again or given back later.
#include <zmm/zmm.hpp>

#include "../support/child.hpp"
#include "../support/sanitizers.hpp"
#include <doctest/doctest.h>
#include <cerrno>
#include <cstring>
#include <vector>

namespace {
using std::size_t;
using namespace zmm_test;
using zmm::detail::os_leftovers;

// Sanitizers map memory of their own, and end where they cannot.
constexpr bool can_run = !under_address_sanitizer && !under_thread_sanitizer && !zmm::detail::under_sanitizer;

// Blocks right beside each other, filled.
class row {
public:
  row(zmm::storage& from, size_t count, size_t each) : from_(from), each_(each), blocks_(count) {
    for (void*& block : blocks_) {
      block = from.allocate(each, each, each);
      if (block != nullptr) std::memset(block, 1, each);
    }
  }
  void* operator[](size_t i) const { return blocks_[i]; }
  void free(size_t i) {
    from_.deallocate(blocks_[i], each_, each_);
    blocks_[i] = nullptr;
  }
  void* take(size_t i) {  // the caller's from now on
    void* const block = blocks_[i];
    blocks_[i] = nullptr;
    return block;
  }
  void free_all() {
    for (size_t i = 0; i < blocks_.size(); ++i)
      if (blocks_[i] != nullptr) free(i);
  }
  bool holds_what_was_written() const {
    for (void* block : blocks_)
      if (block != nullptr && static_cast<unsigned char*>(block)[each_ - 1] != 1) return false;
    return true;
  }

private:
  zmm::storage& from_;
  size_t each_;
  std::vector<void*> blocks_;
};

template <class Body> void without_mappings(zmm::storage& from, Body body) {
  if (!can_run) return;
  CHECK(holds_in_child([&](findings& found) {
    size_t const each = 64 << 10;
    row blocks{from, 200, each};
    no_mappings_left crowd;
    if (!crowd.is_so()) {
      std::fprintf(stderr, "skipped: the system allows more mappings than a test can make\n");
      return;
    }
    errno = 1234;
    body(found, blocks, crowd, each);
    found.that(errno == 1234, "errno is left alone");
    found.that(blocks.holds_what_was_written(), "no other block is touched");
    crowd.end();
    blocks.free_all();
    for (int i = 0; i < 200 && !os_leftovers.empty(); ++i) {  // whatever is unmapped, two that wait are too
      void* p = from.allocate(each, zmm::os_page_size(), each);
      void* q = from.allocate(each, zmm::os_page_size(), 4 * each);
      if (p != nullptr) from.deallocate(p, each, each);
      if (q != nullptr) from.deallocate(q, each, 4 * each);
    }
    found.that(os_leftovers.count() == 0 && os_leftovers.bytes() == 0, "in the end nothing waits");
  }));
}

using crowd_type = no_mappings_left;

TEST_CASE("no mappings left: what is freed keeps no memory, and the next block that fits lies there") {
  for (zmm::storage* from : {&zmm::os_storage(), &zmm::huge_page_storage(), &zmm::zero_storage(), &zmm::numa_storage(0)})
    without_mappings(*from, [&](findings& found, row& blocks, crowd_type&, size_t each) {
      size_t const before = resident_bytes(), mapped = mapped_bytes();
      for (size_t i = 1; i < 199; i += 2) blocks.free(i);
      found.that(before - resident_bytes() + (1 << 20) >= 99 * each, "the memory went back");
      if (from == &zmm::zero_storage()) return;  // each block is a mapping of its own there
      found.that(os_leftovers.count() > 90, "the addresses wait");
      size_t const waiting = os_leftovers.count();
      std::vector<void*> again;
      for (size_t i = 0; i < waiting; ++i) {
        void* const p = from->allocate(each, each, each);
        found.that(p != nullptr && reinterpret_cast<std::uintptr_t>(p) % each == 0, "there is room, aligned as asked");
        if (p == nullptr) break;
        std::memset(p, 2, each);
        again.push_back(p);
      }
      found.that(mapped_bytes() <= mapped, "no more address space was taken");
      for (void* p : again) from->deallocate(p, each, each);
    });
}

TEST_CASE("no mappings left: of a piece that waits a smaller block takes its part") {
  without_mappings(zmm::os_storage(), [](findings& found, row& blocks, crowd_type&, size_t each) {
    size_t const page = zmm::os_page_size();
    void* const place = blocks[100];
    blocks.free(100);
    found.that(os_leftovers.count() == 1 && os_leftovers.bytes() == each, "it waits");
    void* const p = zmm::os_storage().allocate(page, 4 * page, page);
    found.that(p >= place && p < static_cast<char*>(place) + each, "the block lies in it");
    found.that(os_leftovers.bytes() == each - page, "the rest waits on");
    zmm::os_storage().deallocate(p, page, page);
    found.that(os_leftovers.bytes() == each, "and so does the block when it is freed");
  });
}

TEST_CASE("no mappings left: one storage's pieces are not another one's blocks") {
  without_mappings(zmm::huge_page_storage(), [](findings& found, row& blocks, crowd_type&, size_t each) {
    blocks.free(100);
    size_t const waiting = os_leftovers.count();
    void* const p = zmm::os_storage().allocate(each, each, each);
    found.that(os_leftovers.count() == waiting, "it waits on");
    if (p != nullptr) zmm::os_storage().deallocate(p, each, each);
  });
}

TEST_CASE("no mappings left: a block still shrinks, grows or moves as far as it can, and nothing is lost") {
  without_mappings(zmm::os_storage(), [](findings& found, row& blocks, crowd_type&, size_t each) {
    zmm::storage& os = zmm::os_storage();
    size_t const before = resident_bytes();
    for (size_t i = 20; i < 180; i += 2) {
      found.that(os.truncate(blocks[i], each, each / 4), "it shrinks");
      found.that(static_cast<unsigned char*>(blocks[i])[each / 4 - 1] == 1, "what is left is as it was");
    }
    found.that(before - resident_bytes() + (1 << 20) >= 80 * (each / 4 * 3), "the memory went back");
    found.that(os_leftovers.bytes() != 0, "the tails wait");
    size_t const mapped = mapped_bytes();
    for (size_t i = 20; i < 180; i += 2) {
      void* p = blocks.take(i);
      size_t bytes = each / 4;
      if (os.extend(p, bytes, each)) bytes = each;
      if (void* const q = os.move(p, bytes, 4 * each, each)) p = q, bytes = 4 * each;
      found.that(static_cast<unsigned char*>(p)[each / 4 - 1] == 1, "wherever it is, it holds what was written");
      if (void* const q = os.move(p, bytes, each / 8, each)) p = q, bytes = each / 8;
      found.that(bytes == each / 8, "moving to a smaller size in place never fails");
      os.deallocate(p, bytes, bytes);
    }
    found.that(mapped_bytes() <= mapped, "no address space was lost");
  });
}

TEST_CASE("no mappings left: blocks with address space ahead, and aligned ones, lose none of it") {
  without_mappings(zmm::os_storage(), [](findings& found, row&, crowd_type&, size_t each) {
    zmm::storage& os = zmm::os_storage();
    size_t const mapped = mapped_bytes();
    for (int i = 0; i < 2000; ++i) {
      size_t const alignment = each << (i % 8);
      size_t const bytes = each / 2, reserve = i % 2 != 0 ? bytes : 16 * each;
      void* const p = os.allocate(bytes, alignment, reserve);
      if (p == nullptr) continue;
      std::memset(p, 3, bytes);
      found.that(reinterpret_cast<std::uintptr_t>(p) % alignment == 0, "it is aligned");
      os.deallocate(p, bytes, reserve);
    }
    found.that(mapped_bytes() <= mapped + 200 * each * 128, "what waits is used again");
    size_t const settled = mapped_bytes();
    for (int i = 0; i < 2000; ++i) {
      size_t const alignment = each << (i % 8);
      if (void* const p = os.allocate(each / 2, alignment, 16 * each)) os.deallocate(p, each / 2, 16 * each);
    }
    found.that(mapped_bytes() <= settled, "and no more comes to it");
  });
}

TEST_CASE("no mappings left: a block that has address space ahead shrinks and keeps it") {
  if (!can_run) return;
  CHECK(holds_in_child([](findings& found) {
    zmm::storage& os = zmm::os_storage();
    size_t const page = zmm::os_page_size(), all = 4096 * page;
    auto* const p = static_cast<unsigned char*>(os.allocate(all, page, 4 * all));
    found.that(p != nullptr, "there is memory");
    std::memset(p, 1, all);
    no_mappings_left crowd;
    size_t const before = resident_bytes();
    found.that(os.truncate(p, all, page), "it shrinks");
    found.that(before - resident_bytes() + (1 << 20) >= all, "the memory went back");
    found.that(os.extend(p, page, 2 * all), "and grows again");
    p[2 * all - 1] = p[all] = 1;
    found.that(p[0] == 1 && p[page] == 0, "over fresh pages");
    os.deallocate(p, 2 * all, 4 * all);
  }));
}

TEST_CASE_TEMPLATE("no mappings left: what a heap says it gave back came back, and nothing stays behind when it ends",
                   Heap, zmm::heap, zmm::segment_heap) {
  if (!can_run) return;
  CHECK(holds_in_child([](findings& found) {
    size_t const big = 4 << 20;
    size_t const start = resident_bytes();
    {
      Heap heap;
      void* blocks[24];
      for (void*& block : blocks) std::memset(block = heap.allocate(big), 1, big);
      {
        no_mappings_left crowd;
        size_t const before = resident_bytes(), real = heap.real_size();
        for (size_t i = 2; i < 22; i += 2) heap.deallocate(blocks[i], big);
        found.that(real - heap.real_size() >= 10 * big - (2 << 20), "the book was changed");
        found.that(before - resident_bytes() + (1 << 20) >= real - heap.real_size(), "and the book is true");
        heap.verify();
      }
      for (size_t i = 0; i < 24; ++i)
        if (i < 2 || i >= 22 || i % 2 != 0) heap.deallocate(blocks[i], big);
    }
    found.that(resident_bytes() < start + (4 << 20), "nothing is resident");
    found.that(os_leftovers.count() == 0, "nothing waits");
  }));
}
}  // namespace
