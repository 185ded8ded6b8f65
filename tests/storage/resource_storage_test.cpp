// Chunks from another memory resource: everything comes back as it was taken, and no exception gets through.
#include <zmm/storage/resource_storage.hpp>

#include "../support/checking_storage.hpp"
#include <doctest/doctest.h>
#include <map>
#include <new>
#include <stdexcept>
#include <utility>

namespace {
using std::size_t;

class strict_upstream final : public std::pmr::memory_resource {
public:
  ~strict_upstream() override { CHECK(held_.empty()); }
  bool refuse = false, throw_other = false, refuse_next = false;
  int refuse_after = -1;  // calls that still succeed; negative: all

private:
  void* do_allocate(size_t bytes, size_t alignment) override {
    if (std::exchange(refuse_next, false)) throw std::bad_alloc();
    if (refuse || refuse_after == 0) throw std::bad_alloc();
    if (refuse_after > 0) --refuse_after;
    if (throw_other) throw std::runtime_error("not today");
    void* p = std::pmr::new_delete_resource()->allocate(bytes, alignment);
    held_[p] = {bytes, alignment};
    return p;
  }
  void do_deallocate(void* p, size_t bytes, size_t alignment) override {
    CHECK(held_[p] == std::make_pair(bytes, alignment));
    held_.erase(p);
    std::pmr::new_delete_resource()->deallocate(p, bytes, alignment);
  }
  bool do_is_equal(memory_resource const& other) const noexcept override { return this == &other; }
  std::map<void*, std::pair<size_t, size_t>> held_;
};

TEST_CASE("resource_storage: the upstream gets back the size and alignment it was asked for") {
  strict_upstream upstream;
  zmm::resource_storage storage{&upstream};
  zmm_test::checking_storage checked{storage};
  CHECK(storage.upstream() == &upstream);
  for (size_t alignment = 8; alignment <= size_t{2} << 20; alignment *= 4) {
    size_t const bytes = 7 * zmm_test::os_page();
    auto* p = static_cast<unsigned char*>(checked.allocate(bytes, alignment, bytes));
    REQUIRE(p != nullptr);
    for (size_t i = 0; i < bytes; ++i) p[i] = static_cast<unsigned char>(i);
    checked.deallocate(p, bytes, bytes);
  }
}

TEST_CASE("resource_storage: any exception of the upstream is no memory") {
  strict_upstream upstream;
  zmm::resource_storage storage{&upstream};
  upstream.refuse = true;
  CHECK(storage.allocate(4096, 4096, 4096) == nullptr);
  upstream.refuse = false;
  upstream.throw_other = true;
  CHECK(storage.allocate(4096, 4096, 4096) == nullptr);
}

TEST_CASE("resource_storage: whichever of its calls the upstream refuses, nothing is left behind") {
  strict_upstream upstream;
  zmm::resource_storage storage{&upstream};
  void* p = nullptr;
  for (int n = 0; p == nullptr && n < 5; ++n) {
    upstream.refuse_after = n;
    p = storage.allocate(8192, 4096, 8192);
  }
  REQUIRE(p != nullptr);
  storage.deallocate(p, 8192, 8192);
}

TEST_CASE("resource_storage: an upstream that has no room as aligned as a size suggests is asked for less") {
  alignas(64) static unsigned char memory[200 << 10];
  std::pmr::monotonic_buffer_resource upstream{memory + 32, sizeof memory - 32, std::pmr::null_memory_resource()};
  zmm::resource_storage storage{&upstream};
  void* const p = storage.allocate(128 << 10, 16, 128 << 10);
  CHECK(p != nullptr);
  CHECK(storage.allocate(128 << 10, 16, 128 << 10) == nullptr);
  if (p != nullptr) storage.deallocate(p, 128 << 10, 128 << 10);

  strict_upstream strict;  // gets back what it was asked for, at either alignment
  zmm::resource_storage on_strict{&strict};
  void* blocks[3];
  for (int i = 0; i < 3; ++i) {
    strict.refuse_next = i != 1;
    blocks[i] = on_strict.allocate(8192, 16, 8192);
    REQUIRE(blocks[i] != nullptr);
  }
  for (int i : {2, 0, 1}) on_strict.deallocate(blocks[i], 8192, 8192);
}

TEST_CASE("resource_storage: a size that overflows is null") {
  zmm::resource_storage storage{std::pmr::null_memory_resource()};
  CHECK(storage.allocate(~size_t{0} - 4095, 4096, ~size_t{0} - 4095) == nullptr);
  CHECK(storage.allocate(~size_t{0}, 4096, ~size_t{0}) == nullptr);
}

TEST_CASE("resource_storage: cannot grow, shrink, purge or move") {
  zmm::resource_storage storage{std::pmr::new_delete_resource()};
  void* p = storage.allocate(8192, 4096, 8192);
  REQUIRE(p != nullptr);
  CHECK_FALSE(storage.extend(p, 8192, 16384));
  CHECK_FALSE(storage.truncate(p, 8192, 4096));
  CHECK_FALSE(storage.purge(p, 4096));
  CHECK(storage.move(p, 8192, 16384, 4096) == nullptr);
  storage.deallocate(p, 8192, 8192);
}
}  // namespace
