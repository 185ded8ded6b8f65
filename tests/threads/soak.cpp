// soak PLUGIN [SECONDS] : everything that threads do with heaps, all at once and for as long as one likes: threads that come and go,
// blocks that others free, limits that are hit, requests, debug figures read while others work, plugins opened and
// closed, forks whose children allocate. The process may not grow while that goes on. Three seconds by default; a soak
// is ten minutes.
//
// Under ThreadSanitizer the children of forks end at once, for the tool does not promise them more, and resident memory
// is not looked at, since much of it is the tool's.
#include "plugin.hpp"

#include <zmm/debug.hpp>
#include <zmm/zmm.hpp>

#include "../support/lock_order.hpp"
#include "../support/random.hpp"
#include "../support/sanitizers.hpp"
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <mutex>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {
using namespace zmm_test;
using clock_type = std::chrono::steady_clock;

constexpr bool looks_at_memory = !under_thread_sanitizer && !under_address_sanitizer;
constexpr std::size_t mib = std::size_t{1} << 20;

std::atomic<bool> is_over{false};
std::atomic<long> broken{0}, threads{0}, blocks{0}, refusals{0}, requests{0}, walks{0}, plugins{0}, forks{0}, limits{0};

void expect(bool holds, char const* what) {
  if (holds) return;
  if (broken++ < 20) std::printf("broken: %s\n", what);
}

struct block {
  char* at;
  std::size_t bytes;
};
std::size_t some_size(random_source& random) {
  if (random.one_in(400)) return random.between(1, 6) * mib;
  if (random.one_in(30)) return random.between(3073, 200000);
  return random.one_in(4) ? random.between(1, 3072) : random.between(1, 200);
}

/// Blocks that one thread has made and another will free.
class exchange {
public:
  void give(block b) {
    {
      std::lock_guard<std::mutex> const guard(lock_);
      if (held_.size() < 2000) {
        held_.push_back(b);
        return;
      }
    }
    free(b);
  }
  void take_some(std::size_t most) {
    for (; most != 0; --most) {
      block b{};
      {
        std::lock_guard<std::mutex> const guard(lock_);
        if (held_.empty()) return;
        b = held_.back();
        held_.pop_back();
      }
      free(b);
    }
  }

private:
  static void free(block b) {
    expect(b.at[0] == 'b' && b.at[b.bytes - 1] == 'b', "a block keeps its contents");
    zmm::thread_heap::deallocate(b.at, b.bytes, 8);
  }
  std::mutex lock_;
  std::vector<block> held_;
};
exchange passed;
zmm::synchronized_heap limited;
zmm::debug_synchronized_heap watched;

void work_in_the_process_heap(random_source& random, exchange& to) {
  for (int i = 0; i < 300; ++i) {
    std::size_t const bytes = some_size(random);
    block const b{static_cast<char*>(zmm::thread_heap::allocate(bytes, 8)), bytes};
    b.at[0] = b.at[bytes - 1] = 'b';
    to.give(b);
    ++blocks;
    if (random.one_in(3)) to.take_some(3);
  }
}

void work_at_a_limit(random_source& random) {
  std::vector<block> held;
  for (int i = 0; i < 400; ++i) {
    std::size_t const bytes = some_size(random);
    void* const p = limited.try_allocate(bytes, 8);
    if (p != nullptr) held.push_back({static_cast<char*>(p), bytes});
    else ++refusals;
    expect(limited.real_size() <= 16 * mib, "a limit is kept");
  }
  for (block const& b : held) limited.deallocate(b.at, b.bytes, 8);
  ++limits;
}

void work_in_requests(random_source& random) {
  for (int i = 0; i < 20; ++i) {
    zmm::request_resource request;
    if (random.one_in(2)) expect(request.set_limit(4 * mib), "an empty request takes a limit");
    std::size_t total = 0;
    for (int k = 0; k < 100; ++k) {
      std::size_t const bytes = some_size(random) % 100000 + 1;
      void* const p = request.heap().try_allocate(bytes, 8);
      if (p != nullptr && random.one_in(2)) request.heap().deallocate(p, bytes, 8);
      total += p != nullptr ? bytes : 0;
    }
    expect(total != 0, "a request gives blocks");
    ++requests;
  }
}

void work_under_a_watch(random_source& random) {
  zmm::label const mine{random.one_in(2) ? "one label" : "another label"};
  std::vector<block> held;
  for (int i = 0; i < 50; ++i) {
    std::size_t const bytes = random.between(1, 4000);
    held.push_back({static_cast<char*>(watched.allocate(bytes, 8)), bytes});
  }
  for (block const& b : held) watched.deallocate(b.at, b.bytes, 8);
}

/// Threads of a few milliseconds each, one after the other.
void churn(std::uint64_t seed) {
  random_source seeds{seed};
  while (!is_over) {
    std::uint64_t const own = seeds.next();
    std::thread brief([own] {
      random_source random{own};
      switch (random.below(4)) {
      case 0: return work_in_requests(random);
      case 1: return work_at_a_limit(random);
      case 2: return work_under_a_watch(random);
      default: return work_in_the_process_heap(random, passed);
      }
    });
    brief.join();
    ++threads;
  }
}

/// A heap that others work in, looked at.
void look() {
  while (!is_over) {
    std::size_t seen = 0;
    zmm::for_each_site(watched, [&](zmm::site_figures const& f) { seen += f.live_blocks; });
    expect(seen < 100000, "sites tell of what is live");
    expect(watched.stats().live_blocks < 100000 && limited.stats().live_blocks < 100000, "figures do not wrap");
    expect(zmm::thread_heap::stats().size < 2000 * mib, "sizes do not wrap");
    ++walks;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

/// glibc (2.36) lets an object be unloaded while a thread that forks runs the object's own handlers: whoever has plugins keeps the
/// two apart.
std::mutex forking_or_unloading;

void open_plugins(char const* path) {
  while (!is_over) {
    void* const object = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == nullptr) return expect(false, ::dlerror());
    auto const sum = reinterpret_cast<int (*)()>(::dlsym(object, "plugin_sum"));
    auto const allocate = reinterpret_cast<void* (*)(std::size_t)>(::dlsym(object, "plugin_allocate"));
    auto const deallocate = reinterpret_cast<void (*)(void*, std::size_t)>(::dlsym(object, "plugin_deallocate"));
    expect(sum() == 1000, "a plugin's own blocks keep their contents");
    std::thread([&] { deallocate(allocate(5000), 5000); }).join();
    {
      std::lock_guard<std::mutex> const guard(forking_or_unloading);
      ::dlclose(object);
    }
    ++plugins;
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
}

void fork_children() {
  while (!is_over) {
    forking_or_unloading.lock();
    pid_t const child = ::fork();
    if (child != 0) forking_or_unloading.unlock();  // children unload nothing
    if (child == 0) {
      if (under_thread_sanitizer) ::_exit(0);
      ::alarm(60);
      broken = 0;
      random_source random{1};
      exchange own;  // another thread may have the lock of the other one
      work_in_the_process_heap(random, own);
      work_at_a_limit(random);
      work_in_requests(random);
      work_under_a_watch(random);
      ::_exit(broken != 0);
    }
    int status = 1;
    if (child > 0) ::waitpid(child, &status, 0);
    expect(child > 0 && status == 0, "a child of a fork works on");
    ++forks;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

std::size_t resident() {
  long size = 0, pages = 0;
  if (std::FILE* const f = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(f, "%ld %ld", &size, &pages) != 2) pages = 0;
    std::fclose(f);
  }
  return static_cast<std::size_t>(pages) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}
}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::printf("usage: soak PLUGIN [SECONDS]\n"), 2;
  double const seconds = argc > 2 ? std::atof(argv[2]) : 3;
  expect(limited.set_limit(16 * mib), "an empty heap takes a limit");

  std::vector<std::thread> all;
  for (std::uint64_t i = 0; i < 4; ++i) all.emplace_back(churn, i);
  all.emplace_back(look);
  all.emplace_back(open_plugins, argv[1]);
  all.emplace_back(fork_children);

  // The highest of the second quarter of the time and of the last one.
  std::size_t early = 0, late = 0;
  auto const begin = clock_type::now();
  for (;;) {
    double const part = std::chrono::duration<double>(clock_type::now() - begin).count() / seconds;
    if (part >= 1) break;
    std::size_t const now = resident();
    if (part >= 0.25 && part < 0.5) early = now > early ? now : early;
    if (part >= 0.75) late = now > late ? now : late;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  is_over = true;
  for (std::thread& t : all) t.join();
  passed.take_some(100000);
  if (looks_at_memory) expect(late <= early + early / 4 + 16 * mib, "resident memory stays flat");
  limited.verify();
  watched.verify();
  expect(limited.stats().live_blocks == 0 && watched.stats().live_blocks == 0, "everything was freed");

  if (seconds > 10)
    std::printf("%.0f s: %ld threads, %ld blocks passed, %ld rounds at a limit with %ld refusals, %ld requests, %ld walks, %ld plugins, "
              "%ld forks; resident %zu MiB early, %zu late\n",
              seconds, threads.load(), blocks.load(), limits.load(), refusals.load(), requests.load(), walks.load(), plugins.load(), forks.load(),
              early / mib, late / mib);
  std::puts(broken == 0 ? "ok" : "broken");
  return broken != 0;
}
