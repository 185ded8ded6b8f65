// Your own storage: where a heap's chunks come from. Two members are enough; the heap does without the others.
#include <zmm/zmm.hpp>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {
/// Chunks from the C library, counted.
class counted_storage final : public zmm::storage {
public:
  // `bytes` are whole pages of the operating system; null means "no memory". This storage has no reserves, so it
  // ignores `reserve` and does not override extend(), which then refuses.
  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t /*reserve*/) override {
    std::size_t const whole = (bytes + alignment - 1) / alignment * alignment;
    void* const block = std::aligned_alloc(alignment, whole);
    if (block != nullptr) ++taken;
    return block;
  }
  void deallocate(void* block, std::size_t /*bytes*/, std::size_t /*reserve*/) noexcept override {
    ++given_back;
    std::free(block);
  }

  int taken = 0, given_back = 0;
};
}  // namespace

int main() {
  counted_storage storage;  // outlives the heap
  {
    zmm::heap_resource heap{storage};
    std::printf("an unused heap takes %d\n", storage.taken);
    {
      std::pmr::vector<std::pmr::vector<int>> rows{&heap};
      for (int i = 0; i < 1000; ++i) rows.emplace_back(100, i);
    }
    std::printf("1000 vectors of 100 numbers: %d chunk\n", storage.taken);
    heap.deallocate(heap.allocate(10 << 20), 10 << 20);
    std::printf("a block of 10 MiB besides: %d taken, %d given back\n", storage.taken, storage.given_back);
  }
  std::printf("after the heap: %d given back\n", storage.given_back);
}

// prints: an unused heap takes 0
// prints: 1000 vectors of 100 numbers: 1 chunk
// prints: a block of 10 MiB besides: 2 taken, 1 given back
// prints: after the heap: 2 given back
