// A program whose malloc is thread_heap's, where malloc is called from odd places: by the C library from within a thread's
// first call, at the ends of threads, from handlers of fork, by the dynamic linker, before main and after it.
#include <zmm/allocator.hpp>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {
using std::size_t;

std::atomic<bool> fine{true};
void check(bool holds, char const* rule) {
  if (!holds) std::printf("broken: %s\n", rule);
  if (!holds) fine = false;
}

/// Some blocks of every kind, allocated and freed.
void work(unsigned seed) {
  void* blocks[40] = {};
  for (unsigned i = 0; i < 400; ++i) {
    seed = seed * 1'664'525 + 1'013'904'223;
    void*& block = blocks[seed >> 8 & 31];
    size_t const n = (seed >> 16) % (i % 50 == 0 ? 3'000'000 : i % 5 == 0 ? 20'000 : 500);
    block = seed >> 31 != 0 ? std::realloc(block, n + 1) : (std::free(block), std::calloc(1, n + 1));
    if (block == nullptr) fine = false;
    else std::memset(block, 1, n < 100 ? n : 100);
  }
  for (void* const block : blocks) std::free(block);
}

// ---- before main -----------------------------------------------------------------------------------------------------
std::string* const made_before_main = new std::string(1000, 'x');

/// More than the C library has room for without malloc, which it calls under its lock.
struct many_exits {
  many_exits() {
    for (int i = 0; i < 100; ++i) std::atexit([] { std::free(std::malloc(100)); });
  }
} const registered_before_main;

// ---- a thread's first call, and its last ones ------------------------------------------------------------------------
// A value for a key from 32 on makes the C library call calloc for the thread. With an argument, zmm's own key is such a
// one: these are made before any constructor runs. At the end each destructor allocates, and comes again as long as it may.
void make_keys_first(int argc, char**, char**) {
  for (int i = 0; argc > 1 && i < 40; ++i) {
    pthread_key_t key;
    if (pthread_key_create(&key, nullptr) != 0) std::abort();
  }
}
[[gnu::section(".preinit_array"), gnu::used]] void (*const at_the_very_beginning)(int, char**,
                                                                                  char**) = &make_keys_first;

pthread_key_t keys[100];
std::atomic<size_t> destroyed{0};

void at_end(void* value) {
  ++destroyed;
  work(static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(value)));
  std::free(value);
  pthread_setspecific(keys[70], std::malloc(50));  // until the C library has had enough of it
}

void thread_ends() {
  for (pthread_key_t& key : keys) check(pthread_key_create(&key, nullptr) == 0, "a key");
  check(pthread_key_delete(keys[70]) == 0 && pthread_key_create(&keys[70], &at_end) == 0, "a key with a destructor");
  for (unsigned round = 0; round < 50; ++round) {
    std::vector<std::thread> threads;
    std::atomic<void*> passed{nullptr};
    for (unsigned i = 0; i < 6; ++i) {
      threads.emplace_back([&, i] {
        switch (i) {
        case 0: pthread_setspecific(keys[80], &keys); break;            // the C library calls first
        case 1: pthread_setspecific(keys[70], std::malloc(10)); break;  // it calls from a destructor
        case 2: std::free(passed.exchange(std::malloc(1000))); break;
        case 3: std::free(passed.exchange(nullptr)); break;  // the first call may be a free
        case 4: work(round); break;
        default: std::free(std::realloc(passed.exchange(nullptr), 5000));  // or a realloc
        }
      });
    }
    for (std::thread& t : threads) t.join();
    std::free(passed);
  }
  check(destroyed >= 50, "destructors ran");
}

// ---- fork ------------------------------------------------------------------------------------------------------------
void* held[3];
void forks() {
  for (int i = 0; i < 100; ++i)
    check(pthread_atfork(
              [] {
                held[0] = std::realloc(held[0], 2000);
                work(1);
              },
              [] { work(2); }, [] { work(3); }) == 0,
          "a handler of fork");
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 3; ++i)
    threads.emplace_back([&over, i] {
      for (unsigned n = i; !over; ++n) work(n);
    });
  for (unsigned i = 0; i < 20; ++i) {
    char* const before = strdup("before the fork");
    pid_t const child = fork();
    if (child == 0) {
      bool const is_kept = std::strcmp(before, "before the fork") == 0;
      std::free(before);
      work(i);
      std::thread([i] { work(i); }).join();
      if (!is_kept) _exit(1);
      std::exit(0);  // handlers, destructors and all
    }
    std::free(before);
    int status = -1;
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child ends well");
  }
  over = true;
  for (std::thread& t : threads) t.join();
}

// ---- the dynamic linker ----------------------------------------------------------------------------------------------
void links() {
  for (int i = 0; i < 20; ++i) {
    std::thread([] {
      check(dlopen("/no/such/object.so", RTLD_NOW) == nullptr && dlerror() != nullptr, "the linker's error text");
    }).join();
    void* const object = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
    check(object != nullptr && dlsym(object, "cos") != nullptr && dlsym(object, "no such") == nullptr, "dlopen, dlsym");
    if (object != nullptr) dlclose(object);
  }
}

// ---- no memory -------------------------------------------------------------------------------------------------------
/// In a process that may have little more address space than it has: everything is refused with ENOMEM at last, threads
/// that come then among it, and works again when something was freed.
int starve() {
  std::FILE* const f = std::fopen("/proc/self/statm", "r");
  unsigned long pages = 0;
  if (f == nullptr || std::fscanf(f, "%lu", &pages) != 1) return 1;
  std::fclose(f);
  rlim_t const little = pages * static_cast<unsigned long>(getpagesize()) + (rlim_t{300} << 20);
  rlimit const limits{little, little};
  if (setrlimit(RLIMIT_AS, &limits) != 0) return 1;
  std::thread waiting([] { usleep(1000); });  // a stack that a later thread gets again
  waiting.join();
  for (size_t const n : {size_t{3} << 20, size_t{100'000}, size_t{5000}, size_t{40}}) {
    static void* blocks[200'000];
    size_t count = 0;
    errno = 0;
    while (count < 200'000 && (blocks[count] = std::malloc(n)) != nullptr) ++count;
    if (count == 0 || (count < 200'000 && errno != ENOMEM)) return 2;
    if (count < 200'000) {
      errno = 0;
      if (std::realloc(blocks[0], size_t{300} << 20) != nullptr || errno != ENOMEM) return 3;
      void* const shrunk = std::realloc(blocks[0], n / 3 + 1);  // needs no memory
      if (shrunk == nullptr) return 4;
      blocks[0] = shrunk;
      std::atomic<void*> of_another{nullptr};
      pthread_t thread;
      if (pthread_create(
              &thread, nullptr,
              [](void* out) -> void* {
                static_cast<std::atomic<void*>*>(out)->store(std::malloc(100));
                std::free(std::calloc(1, 100));
                return nullptr;
              },
              &of_another) == 0)
        pthread_join(thread, nullptr);
      std::free(of_another);
    }
    while (count != 0) std::free(blocks[--count]);
    void* const again = std::malloc(n);
    if (again == nullptr) return 5;
    std::free(again);
  }
  return 0;
}
void starves() {
  pid_t const child = fork();
  if (child == 0) _exit(starve());
  int status = -1;
  check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a process without memory goes on");
  if (status != 0) std::printf("it ended with %x\n", static_cast<unsigned>(status));
}

// ---- after main ------------------------------------------------------------------------------------------------------
struct speaks_last {
  std::vector<std::string> words = std::vector<std::string>(100, std::string(100, 'z'));
  pid_t const process = getpid();
  ~speaks_last() {
    words.clear();
    work(7);
    delete made_before_main;
    std::atexit([] { work(8); });
    if (getpid() != process) return;
    if (fine) std::puts("ok");  // into a buffer that is written even later
    else std::fflush(stdout), std::_Exit(1);
  }
} const last;
}  // namespace

int main() {
  thread_ends();
  forks();
  links();
  starves();
  return 0;
}
