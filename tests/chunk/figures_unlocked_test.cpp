// real_size(), real_peak(), limit() and remaining() of what threads share wait for nobody: they are read here by another thread
// while the storage works, under the lock. alarm() ends what hangs.
#include <zmm/zmm.hpp>
#include <zmm/chunk/shared_source.hpp>

#include <atomic>
#include <doctest/doctest.h>
#include <functional>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {
using std::size_t;

// Has another thread look before it gives.
class watched_storage : public zmm::storage {
public:
  void* allocate(size_t bytes, size_t alignment, size_t reserve) override {
    if (look) std::thread(look).join();
    return zmm::os_storage().allocate(bytes, alignment, reserve);
  }
  void deallocate(void* p, size_t bytes, size_t reserve) noexcept override {
    zmm::os_storage().deallocate(p, bytes, reserve);
    if (look) std::thread(look).join();
  }
  bool extend(void* p, size_t from, size_t to) noexcept override { return zmm::os_storage().extend(p, from, to); }
  void* move(void* p, size_t from, size_t to, size_t alignment) noexcept override {
    if (look) std::thread(look).join();
    return zmm::os_storage().move(p, from, to, alignment);
  }
  std::function<void()> look;
};

template <class Shared> void check_figures_of(Shared const& shared, size_t& looked) {
  size_t const size = shared.real_size();
  CHECK(shared.real_peak() >= size);
  CHECK(shared.limit() == size_t{64} << 20);
  CHECK(shared.remaining() == shared.limit() - size);
  ++looked;
}

TEST_CASE("figures: a synchronized heap's are read while its storage works") {
  size_t looked = 0;
  watched_storage storage;
  zmm::synchronized_heap heap(storage);
  CHECK(heap.set_limit(size_t{64} << 20));
  storage.look = [&] { check_figures_of(heap, looked); };
  ::alarm(20);
  void* p = heap.allocate(size_t{3} << 20);
  p = heap.reallocate(p, size_t{9} << 20);
  heap.deallocate(p);
  heap.deallocate(heap.allocate(100), 100);
  (void)heap.trim();
  ::alarm(0);
  CHECK(looked >= 3);
}

TEST_CASE("figures: a request pool's are read while its storage works") {
  size_t looked = 0;  // the pool's end looks, too
  watched_storage storage;
  zmm::request_pool pool(storage);
  CHECK(pool.set_limit(size_t{64} << 20));
  storage.look = [&] { check_figures_of(pool, looked); };
  ::alarm(20);
  {
    zmm::request_heap request(pool);
    (void)request.allocate(100);
    (void)request.allocate(size_t{3} << 20);
  }
  (void)pool.trim();
  ::alarm(0);
  CHECK(looked >= 3);
}

TEST_CASE("figures: nobody sees a size beyond its peak, nor a block that is moved counted twice or not at all") {
  zmm::detail::ledger book;
  std::atomic<bool> over{false};
  size_t wrong = 0;
  std::thread reader([&] {
    while (!over) {
      size_t const size = book.real_size();
      if (book.real_peak() < size) ++wrong;
      if (size % 3 != 0) ++wrong;
    }
  });
  for (size_t i = 0; i < 200000; ++i) {
    book.add(i % 7 * 3);
    book.replace(i % 7 * 3, 300);
    book.replace(300, 3);
    book.subtract(3);
  }
  over = true;
  reader.join();
  CHECK(wrong == 0);
  CHECK(book.real_size() == 0);
  CHECK(book.real_peak() >= 300);
}
}  // namespace
