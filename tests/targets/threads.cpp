// Threads that end, one generation after another: what they held is found again, and locks that many want are had by all. Prints "ok".
#include <zmm/allocator.hpp>

#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

namespace {
int failures = 0;
void expect(bool holds, char const* what) {
  if (holds) return;
  std::printf("not so: %s\n", what);
  ++failures;
}

zmm::synchronized_heap* heap_of_last_words = nullptr;

// Allocates and frees in a destructor of the thread's own, which some systems run after zmm was told that the thread ends.
struct last_words {
  bool speaks = false;
  ~last_words() {
    if (!speaks) return;
    void* const p = heap_of_last_words->allocate(200);
    std::memset(p, 1, 200);
    heap_of_last_words->deallocate(p, 200);
  }
};
thread_local last_words words;

constexpr int threads = 6, blocks = 400;

void work(zmm::synchronized_heap& heap, int number, void** kept, std::size_t* sizes) {
  words.speaks = true;
  for (int i = 0; i < blocks; ++i) {
    sizes[i] = static_cast<std::size_t>(16 + (i * 37 + number * 11) % 900);
    kept[i] = heap.allocate(sizes[i]);
    std::memset(kept[i], number, sizes[i]);
    void* const p = heap.allocate(64);
    heap.deallocate(p, 64);
  }
}
}  // namespace

int main() {
  zmm::synchronized_heap heap;
  heap_of_last_words = &heap;
  std::size_t first = 0;
  for (int round = 0; round < 12; ++round) {
    std::vector<void*> kept(threads * blocks);
    std::vector<std::size_t> sizes(threads * blocks);
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t)
      all.emplace_back([&, t] {
        work(heap, t, &kept[static_cast<std::size_t>(t * blocks)], &sizes[static_cast<std::size_t>(t * blocks)]);
      });
    for (std::thread& t : all) t.join();
    for (std::size_t i = 0; i < kept.size(); ++i) {
      unsigned char const expected = static_cast<unsigned char>(i / blocks);
      if (*static_cast<unsigned char*>(kept[i]) != expected)
        expect(false, "blocks of threads that have ended are as they were");
      heap.deallocate(kept[i], sizes[i]);
    }
    heap.verify();
    if (round == 1) first = heap.real_size();
  }
  expect(heap.real_size() <= first + 2 * zmm::default_geometry::chunk_bytes,
         "generations of threads do not make a heap grow");
  (void)heap.collect();
  heap.verify();
  if (failures == 0) std::puts("ok");
  return failures;
}
