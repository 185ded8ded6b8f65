// Pieces of address space that wait: in the order they came, none lost, none twice.
#include <zmm/storage/leftovers.hpp>

#include "../support/child.hpp"
#include "../support/scale.hpp"
#include <atomic>
#include <doctest/doctest.h>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace {
using std::size_t;
using zmm::detail::leftover;
using zmm::detail::leftover_list;

struct alignas(64) piece_of_memory { unsigned char bytes[128]; };

TEST_CASE("leftovers: first in, first out, of either kind, with their sizes and owners") {
  auto const list = std::make_unique<leftover_list>();
  std::vector<piece_of_memory> memory(10);
  int owner = 0;
  CHECK(list->empty());
  CHECK(list->take_open().start == nullptr);
  CHECK(list->take_sealed().start == nullptr);
  for (size_t i = 0; i < 10; ++i) {
    list->put({&memory[i], 100 + i, &owner});
    list->put({reinterpret_cast<void*>((i + 1) * 4096), 200 + i, nullptr});  // never touched
  }
  CHECK(list->count() == 20);
  CHECK(list->bytes() == 3090);
  for (size_t i = 0; i < 10; ++i) {
    leftover const open = list->take_open(), sealed = list->take_sealed();
    CHECK((open.start == &memory[i] && open.bytes == 100 + i && open.owner == &owner));
    CHECK((sealed.start == reinterpret_cast<void*>((i + 1) * 4096) && sealed.bytes == 200 + i && sealed.owner == nullptr));
  }
  CHECK((list->empty() && list->bytes() == 0));
  list->put({&memory[3], 100, &owner});  // the list was empty in between
  CHECK(list->take_open().start == &memory[3]);
}

TEST_CASE("leftovers: room for sealed ones is short before it is gone, and one too many is forgotten") {
  auto const list = std::make_unique<leftover_list>();
  size_t put = 0;
  while (list->has_room_for_sealed()) list->put({reinterpret_cast<void*>(++put * 4096), 1, nullptr});
  CHECK(put + leftover_list::sealed_spare > leftover_list::sealed_capacity);
  CHECK(put <= leftover_list::sealed_capacity - 8);
  for (int round = 0; round < 3; ++round) {  // the ring turns
    while (list->count() < leftover_list::sealed_capacity) list->put({reinterpret_cast<void*>(++put * 4096), 1, nullptr});
    list->put({reinterpret_cast<void*>(4096), 1, nullptr});
    CHECK(list->count() == leftover_list::sealed_capacity);
    CHECK(list->bytes() == leftover_list::sealed_capacity);
    size_t const oldest = put - leftover_list::sealed_capacity + 1;
    for (size_t i = 0; i < 50; ++i) CHECK(list->take_sealed().start == reinterpret_cast<void*>((oldest + i) * 4096));
  }
}

TEST_CASE("leftovers: threads that put and take lose nothing and get nothing twice") {
  auto const list = std::make_unique<leftover_list>();
  std::vector<piece_of_memory> memory(64);
  int owner = 0;
  for (piece_of_memory& piece : memory) list->put({&piece, sizeof piece, &owner});
  std::vector<std::atomic<int>> held(memory.size());
  std::atomic<size_t> twice{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (size_t i = 0; i < zmm_test::scaled(5000); ++i) {
        leftover const piece = list->take_open();
        if (piece.start == nullptr) continue;
        auto const index = static_cast<size_t>(static_cast<piece_of_memory*>(piece.start) - memory.data());
        if (held[index].fetch_add(1, std::memory_order_relaxed) != 0) ++twice;
        held[index].fetch_sub(1, std::memory_order_relaxed);
        list->put(piece);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(twice == 0);
  std::set<void*> left;
  while (!list->empty()) left.insert(list->take_open().start);
  CHECK(left.size() == memory.size());
}

TEST_CASE("leftovers: a child forked while others put and take finds the list free and whole") {
  using zmm::detail::os_leftovers;
  zmm::detail::forks.attach(zmm::detail::os_leftovers_fork);
  std::vector<piece_of_memory> memory(8);
  int owner = 0;
  for (piece_of_memory& piece : memory) os_leftovers.put({&piece, sizeof piece, &owner});
  std::atomic<bool> done{false};
  std::thread other([&] {
    while (!done) {
      leftover const piece = os_leftovers.take_open();
      if (piece.start != nullptr) os_leftovers.put(piece);
    }
  });
  int failed = 0;
  for (int i = 0; i < 50; ++i)
    failed += !zmm_test::holds_in_child([&](zmm_test::findings& found) {
      size_t n = 0, bytes = 0;
      for (leftover piece = os_leftovers.take_open(); piece.start != nullptr; piece = os_leftovers.take_open()) {
        ++n;
        bytes += piece.bytes;
      }
      found.that(n + 1 >= memory.size() && n <= memory.size(), "all but what a thread had in its hands");
      found.that(bytes == n * sizeof(piece_of_memory) && os_leftovers.bytes() == 0, "the sizes are right");
    });
  done = true;
  other.join();
  CHECK(failed == 0);
  while (!os_leftovers.empty()) (void)os_leftovers.take_open();
}
}  // namespace
