// thread_heap before main, in main and after its end: statics that allocate while they are made and while they are
// destroyed, threads before main, handlers at exit, blocks that outlive the threads and the statics that made them.
#include <zmm/zmm.hpp>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace {
template <class T> using of = zmm::allocator<T>;
using text = std::basic_string<char, std::char_traits<char>, of<char>>;
using words = std::vector<text, of<text>>;

bool fine = true;
void check(bool holds, char const* rule) {
  if (!holds) std::printf("broken: %s\n", rule);
  fine = fine && holds;
}

void fill(words& w, int count) {
  for (int i = 0; i < count; ++i) w.emplace_back(static_cast<std::size_t>(i) % 300 + 20, 'w');
}

// Made first, so destroyed last: the last word of the program is its.
struct last_word {
  ~last_word() {
    void* const p = zmm::thread_heap::allocate(100);
    std::thread([p] { zmm::thread_heap::deallocate(p, 100); }).join();
    zmm::thread_heap::verify();
    check(zmm::thread_heap::stats().size > 0, "what was never freed is still there after all other statics");
    if (fine) std::puts("ok");
    std::fflush(stdout);
    if (!fine) std::_Exit(1);
  }
} const speaks_last;

struct busy_static {
  busy_static() {
    fill(held, 500);
    std::thread([this] { fill(held, 500); }).join();
    check(zmm::thread_heap::owns(held.data()), "a static before main allocates from thread_heap");
  }
  ~busy_static() {
    held.erase(held.begin(), held.begin() + 250);
    fill(held, 250);
    std::thread([this] { held.clear(); }).join();
    std::map<int, text, std::less<int>, of<std::pair<int const, text>>> fresh;
    for (int i = 0; i < 200; ++i) fresh.emplace(i, text(90, 'm'));
  }
  words held;
} made_before_main;

void* leaked = zmm::thread_heap::allocate(1000);

struct of_main_thread {
  words held;
  ~of_main_thread() {
    held.clear();
    fill(held, 10);
  }
};
thread_local of_main_thread main_threads;

void at_exit() {
  words w;
  fill(w, 100);
}
}  // namespace

int main() {
  std::atexit(&at_exit);
  fill(main_threads.held, 100);
  fill(made_before_main.held, 100);
  check(zmm::thread_heap::owns(leaked), "a block made before main is known in main");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([] {
      static thread_local of_main_thread own;
      fill(own.held, 100);
    });
  for (std::thread& t : threads) t.join();
  std::pmr::set_default_resource(zmm::thread_resource());
  static std::pmr::vector<int> destroyed_after_main(1000, 1);
  zmm::thread_heap::verify();
  return fine ? 0 : 1;
}
