// A shared object that allocates in threads of the program and is closed while they live on: they end after it, and their
// ends run no code that is gone. Arguments: the shared object, "shares" if program and object are to have one thread_heap.
//
// Compiled with ZMM_TEST_HOST_WITHOUT_ZMM the program itself knows nothing of zmm.
#include "plugin.hpp"

#if !defined(ZMM_TEST_HOST_WITHOUT_ZMM)
#include <zmm/zmm.hpp>
#endif

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <thread>
#include <vector>

namespace {
bool fine = true;
void check(bool holds, char const* rule) {
  if (!holds) std::printf("broken: %s\n", rule);
  fine = fine && holds;
}

struct plugin {
  explicit plugin(char const* path) : handle(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (handle == nullptr) {
      std::printf("broken: %s\n", dlerror());
      std::exit(1);
    }
    find(allocate, "plugin_allocate");
    find(deallocate, "plugin_deallocate");
    find(live_blocks, "plugin_live_blocks");
    find(sum, "plugin_sum");
  }
  template <class F> void find(F*& function, char const* name) { function = reinterpret_cast<F*>(dlsym(handle, name)); }

  void* handle;
  decltype(plugin_allocate)* allocate;
  decltype(plugin_deallocate)* deallocate;
  decltype(plugin_live_blocks)* live_blocks;
  decltype(plugin_sum)* sum;
};
}  // namespace

int main(int, char** arguments) {
  bool const shares = arguments[2] != nullptr && std::strcmp(arguments[2], "shares") == 0;
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> used{0};
    std::atomic<bool> closed{false};
    plugin opened(arguments[1]);
    check(opened.sum() == 1000, "the object's statics are made");
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        void* const kept = opened.allocate(100);
        opened.deallocate(opened.allocate(5000), 5000);
        opened.deallocate(kept, 100);
#if !defined(ZMM_TEST_HOST_WITHOUT_ZMM)
        zmm::thread_heap::deallocate(zmm::thread_heap::allocate(10), 10);
        void* const ours = zmm::thread_heap::allocate(300);
        if (shares) opened.deallocate(ours, 300);
        else zmm::thread_heap::deallocate(ours, 300);
#endif
        ++used;
        while (!closed) std::this_thread::yield();
      });
    while (used != 4) std::this_thread::yield();
#if !defined(ZMM_TEST_HOST_WITHOUT_ZMM)
    if (shares) check(opened.live_blocks() == zmm::thread_heap::stats().live_blocks, "one thread_heap for both");
#endif
    dlclose(opened.handle);
    closed = true;
    for (std::thread& t : threads) t.join();
#if !defined(ZMM_TEST_HOST_WITHOUT_ZMM)
    zmm::thread_heap::verify();
    check(zmm::thread_heap::stats().live_blocks <= (shares ? 1u : 0u), "what the object's statics held is freed");
#endif
  }
  (void)shares;
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
