// A memory limit with a hook: before an allocation fails, the heap calls it, and a cache makes room.
#include <zmm/zmm.hpp>

#include <cstdio>
#include <string>
#include <unordered_map>
#include <vector>

namespace {
class page_cache {
public:
  explicit page_cache(zmm::heap_resource& heap) : pages_(&heap) { heap.on_limit(&page_cache::make_room, this); }

  void fill(zmm::heap_resource const& heap, std::size_t spare) {
    while (heap.remaining() > spare) pages_.try_emplace(pages_.size(), std::size_t{10000}, ' ');
  }
  std::size_t size() const { return pages_.size(); }

private:
  /// Runs inside an allocate() of any code, with the heap consistent: it may free and allocate. It must not touch the
  /// container that is allocating. So the cache itself must never reach the limit.
  static bool make_room(void* user, std::size_t /*needed*/) noexcept {
    auto& self = *static_cast<page_cache*>(user);
    if (self.pages_.empty()) return false;  // nothing to free: the allocation fails
    self.pages_.clear();
    return true;  // try again
  }

  std::pmr::unordered_map<std::size_t, std::pmr::string> pages_;
};
}  // namespace

int main() {
  zmm::heap_resource heap;
  if (!heap.set_limit(32 << 20)) return 1;
  page_cache cache{heap};
  cache.fill(heap, 8 << 20);
  std::printf("cached pages: %s\n", cache.size() > 1000 ? "thousands" : "too few");

  std::pmr::vector<char> work(20 << 20, 'x', &heap);
  std::printf("20 MiB of work, cached pages: %zu\n", cache.size());
  try {
    work.resize(40 << 20);
  } catch (zmm::memory_limit_exceeded const& e) { std::printf("40 MiB do not fit into %zu\n", e.limit() >> 20); }
}

// prints: cached pages: thousands
// prints: 20 MiB of work, cached pages: 0
// prints: 40 MiB do not fit into 32
