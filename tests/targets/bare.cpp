// A machine without a system: a heap, a request and the typed face in one buffer of 64 KiB. Prints "ok".
#include <zmm/allocator.hpp>
#include <zmm/storage/buffer_storage.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <map>
#include <vector>

namespace {


constexpr std::size_t chunk_bytes = zmm::default_geometry::chunk_bytes;
static_assert(chunk_bytes == 65536);
alignas(chunk_bytes) unsigned char memory[chunk_bytes];

int failures = 0;
void expect(bool holds, char const* what) {
  if (holds) return;
  std::printf("not so: %s\n", what);
  ++failures;
}

int stops = 0;
void stopped(zmm::stop_info const&) noexcept { ++stops; }

void use(zmm::heap& heap) {
  std::vector<int, zmm::allocator<int, zmm::heap>> numbers{heap};
  for (int i = 0; i < 2000; ++i) numbers.push_back(i);
  std::list<int, zmm::allocator<int, zmm::heap>> list{heap};
  for (int i = 0; i < 200; ++i) list.push_front(i);
  std::map<int, int, std::less<int>, zmm::allocator<std::pair<int const, int>, zmm::heap>> map{heap};
  for (int i = 0; i < 200; ++i) map[i * 7 % 200] = i;
  expect(numbers[1999] == 1999 && list.size() == 200 && map.size() == 200, "containers hold what was put into them");
  heap.verify();
}
}  // namespace

int main() {
  zmm::set_stop_handler(&stopped);
  zmm::buffer_storage buffer{memory, sizeof memory};
  for (int round = 0; round < 3; ++round) {  // all of the buffer is there again
    zmm::heap heap{buffer};
    use(heap);

    void* blocks[256];
    std::size_t n = 0, bytes = 0;
    while (n < 256) {
      void* const p = heap.try_allocate(500);
      if (p == nullptr) break;
      std::memset(p, 0xAB, 500);
      blocks[n++] = p;
      bytes += 500;
    }
    expect(n < 256 && bytes > (48 << 10), "a full buffer says no, and most of it was had");
    for (std::size_t i = 0; i < n; ++i) heap.deallocate(blocks[i], 500);
    heap.verify();
  }
  {
    zmm::heap none;  // takes its chunks from a system
    expect(none.try_allocate(100) == nullptr, "without a system there is no memory but a buffer's");
  }
  expect(stops == 0, "nothing was stopped");
  if (failures == 0) std::puts("ok");
  return failures;
}
