// A program whose process heap, and whose pool, are sampled: at its first stop they are on, at its second off again, with samples
// still live. sampled.py compares what gdb says with what the program says.
#include <zmm/gdb.hpp>
#include <zmm/zmm.hpp>

#include <cstdlib>
#include <initializer_list>
#include <thread>

extern "C" [[gnu::noinline]] void look_at_this() { __asm__ volatile("" ::: "memory"); }

struct answer {
  char const* heap;
  zmm::statistics said;
};
answer answers[4];
zmm::pool_statistics pool_said;
void *live_block, *live_pages, *freed_block, *freed_in_request, *live_in_request;

namespace {

template <class Heap> void use(Heap& heap) {
  void* some[3000];
  for (std::size_t i = 0; i < 3000; ++i) some[i] = heap.allocate(1 + i * 7 % 500);
  for (std::size_t i = 0; i < 3000; i += 3) heap.deallocate(some[i], 1 + i * 7 % 500, alignof(std::max_align_t));
}

}  // namespace

int main() {
  zmm::thread_heap process;
  use(process);
  zmm::request_pool pool;
  zmm::request_heap before{pool};
  use(before);
  if (!zmm::set_sampling(4096) || !zmm::set_sampling(pool, 4096)) return 1;
  use(process);
  std::thread([&] { use(process); }).join();
  zmm::request_heap request{pool}, other{pool};
  for (std::size_t mean : {std::size_t{4096}, std::size_t{0}}) {
    if (!zmm::set_sampling(mean) || !zmm::set_sampling(pool, mean)) return 1;
    use(before);
    use(request);
    use(other);
    use(process);
    live_block = process.allocate(100);
    freed_block = process.allocate(100);
    process.deallocate(freed_block, 100);
    live_pages = process.allocate(100000);
    live_in_request = request.allocate(100000);
    freed_in_request = request.allocate(48);
    request.deallocate(freed_in_request, 48, alignof(std::max_align_t));
    std::size_t n = 0;
    answers[n++] = {"process", process.stats()};
    answers[n++] = {"before", before.stats()};
    answers[n++] = {"request", request.stats()};
    answers[n++] = {"other", other.stats()};
    pool_said = pool.stats();
    look_at_this();
  }
  std::_Exit(0);
}
