// Memory that only grows: what goes back is used again, and joined.
#include "../../support/random.hpp"
#include <doctest/doctest.h>
#include <zmm/base/system/grown_memory.hpp>
#include <cstring>
#include <vector>

namespace {
using std::size_t;
using zmm::detail::grown_memory;

constexpr size_t page = grown_memory::grain;

// As WebAssembly has it, but that it starts at no page, as the C library's end of memory does.
constexpr size_t arena_bytes = size_t{16} << 20;
alignas(4096) unsigned char room[arena_bytes + 65536];  // Windows aligns no variable to 64 KiB
unsigned char* const arena = room + (65536 - reinterpret_cast<std::uintptr_t>(room) % 65536);
size_t used = 0, most = 0;

void* grow(size_t bytes, size_t* got) noexcept {
  if (bytes > most - used) return nullptr;
  void* const p = arena + used;
  used += bytes;
  *got = bytes;
  return p;
}
std::uintptr_t end() noexcept { return zmm::detail::address_of(arena + used); }
void begin(size_t at, size_t end) {
  used = at;
  most = end;
}

TEST_CASE("grown memory: blocks are aligned, and what lies before them is used too") {
  begin(24, arena_bytes);
  grown_memory memory{&grow, &end};
  void* const p = memory.map(1 << 20, 1 << 20);
  REQUIRE(p != nullptr);
  CHECK(zmm::detail::is_aligned(p, 1 << 20));
  size_t const before = used;
  CHECK(memory.map(page, page) != nullptr);
  CHECK(used == before);
}

TEST_CASE("grown memory: it grows by what is needed") {
  begin(65536, arena_bytes);
  grown_memory memory{&grow, &end};
  CHECK(memory.map(4 * page, page) == arena + 65536);
  CHECK(used == 65536 + 4 * page);
  CHECK(memory.map(65536, 65536) == arena + 2 * 65536);
  CHECK(used == 3 * 65536);
}

TEST_CASE("grown memory: neighbours are joined, in whatever order they go back") {
  for (int order = 0; order < 6; ++order) {
    begin(0, 64 * page);
    grown_memory memory{&grow, &end};
    void* p[3];
    for (void*& each : p) each = memory.map(4 * page, page);
    for (int i = 0; i < 3; ++i) memory.unmap(p[order < 3 ? (i + order) % 3 : (order - i) % 3], 4 * page);
    size_t const before = used;
    CHECK(memory.map(12 * page, page) != nullptr);
    CHECK(used == before);
  }
}

TEST_CASE("grown memory: parts go back, and the end of memory is said") {
  begin(0, 16 * page);
  grown_memory memory{&grow, &end};
  auto* const p = static_cast<unsigned char*>(memory.map(8 * page, page));
  REQUIRE(p != nullptr);
  memory.unmap(p + 2 * page, 4 * page);
  CHECK(memory.map(4 * page, page) == p + 2 * page);
  CHECK(memory.map(64 * page, page) == nullptr);
  CHECK(memory.map(~size_t{0} - page + 1, page) == nullptr);
}

TEST_CASE("grown memory: blocks that come and go do not make it grow for ever, nor overlap") {
  begin(0, arena_bytes);
  grown_memory memory{&grow, &end};
  zmm_test::random_source random{17};
  struct piece {
    unsigned char* p;
    size_t bytes;
    unsigned char with;
  };
  std::vector<piece> pieces;
  size_t held = 0;
  for (unsigned i = 0; i < 20000; ++i) {
    if (held < (2 << 20) && random.below(2) == 0) {
      size_t const bytes = (1 + random.below(32)) * page;
      auto* const p = static_cast<unsigned char*>(memory.map(bytes, page << random.below(6)));
      REQUIRE(p != nullptr);
      std::memset(p, static_cast<int>(i & 255), bytes);
      pieces.push_back({p, bytes, static_cast<unsigned char>(i)});
      held += bytes;
    } else if (!pieces.empty()) {
      size_t const at = random.below(pieces.size());
      piece const gone = pieces[at];
      for (size_t k = 0; k < gone.bytes; k += page) REQUIRE(gone.p[k] == gone.with);
      memory.unmap(gone.p, gone.bytes);
      held -= gone.bytes;
      pieces[at] = pieces.back();
      pieces.pop_back();
    }
  }
  CHECK(used < (6 << 20));
  for (piece const& p : pieces) memory.unmap(p.p, p.bytes);
  CHECK(memory.free_bytes() == used);
}
}  // namespace
