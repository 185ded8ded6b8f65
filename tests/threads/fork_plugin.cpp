// A shared object for fork_plugins.cpp. It hides everything but this.
#include <zmm/zmm.hpp>

#include <unistd.h>

namespace {
class slow_storage : public zmm::storage {
public:
  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    if (is_asked != nullptr) {
      *is_asked = true;
      is_asked = nullptr;
      ::usleep(200000);
    }
    return zmm::os_storage().allocate(bytes, alignment, reserve);
  }
  void deallocate(void* p, std::size_t bytes, std::size_t reserve) noexcept override {
    zmm::os_storage().deallocate(p, bytes, reserve);
  }
  bool volatile* is_asked = nullptr;
};
slow_storage storage;
zmm::synchronized_heap heap(storage);
}  // namespace

extern "C" {
[[gnu::visibility("default")]] void plugin_use() {
  zmm::request_resource request;
  (void)request.allocate(100, 8);
  zmm::thread_heap::deallocate(zmm::thread_heap::allocate(100), 100);
  heap.deallocate(heap.allocate(100), 100);
}
// Says in `is_asked` when it holds the lock of its heap, which it does for a while.
[[gnu::visibility("default")]] void plugin_use_slowly(bool volatile* is_asked) {
  storage.is_asked = is_asked;
  heap.deallocate(heap.allocate(4 << 20), 4 << 20);
}
}
