// A program whose operator new and delete are thread_heap's: every overload, the new handler, the library's own use of
// them, threads, and what is freed after main.
#include <zmm/zmm.hpp>

#include <cstdint>
#include <cstdio>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {
using std::size_t;

bool fine = true;
void check(bool holds, char const* rule) {
  if (!holds) std::printf("broken: %s\n", rule);
  fine = fine && holds;
}

bool is_ours(void const* p, size_t bytes, size_t alignment) {
  return p != nullptr && zmm::thread_heap::owns(p) && zmm::thread_heap::usable_size(p) >= bytes &&
         reinterpret_cast<std::uintptr_t>(p) % alignment == 0;
}

// Every way to allocate, each freed in every way that the standard allows for it.
void every_overload(size_t n) {
  constexpr size_t plain = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  void* (*const news[])(size_t) = {
      [](size_t b) { return ::operator new(b); }, [](size_t b) { return ::operator new(b, std::nothrow); },
      [](size_t b) { return ::operator new[](b); }, [](size_t b) { return ::operator new[](b, std::nothrow); }};
  using freeing = void (*)(void*, size_t);
  freeing const deletes[] = {[](void* p, size_t) { ::operator delete(p); },
                             [](void* p, size_t) { ::operator delete(p, std::nothrow); },
                             [](void* p, size_t b) { ::operator delete(p, b); }};
  freeing const array_deletes[] = {[](void* p, size_t) { ::operator delete[](p); },
                                   [](void* p, size_t) { ::operator delete[](p, std::nothrow); },
                                   [](void* p, size_t b) { ::operator delete[](p, b); }};
  for (size_t i = 0; i < 4; ++i)
    for (freeing const free : i < 2 ? deletes : array_deletes) {
      void* const p = news[i](n);
      check(is_ours(p, n, plain), "a block of operator new");
      free(p, n);
    }
  for (size_t alignment = 1; alignment <= 8192; alignment *= 2) {
    std::align_val_t const a{alignment};
    void* p = ::operator new(n, a);
    check(is_ours(p, n, alignment), "an aligned block");
    ::operator delete(p, a);
    p = ::operator new(n, a, std::nothrow);
    check(is_ours(p, n, alignment), "an aligned block, nothrow");
    ::operator delete(p, n, a);
    p = ::operator new(n, a);
    ::operator delete(p, a, std::nothrow);
    p = ::operator new[](n, a);
    check(is_ours(p, n, alignment), "an aligned array");
    ::operator delete[](p, a);
    p = ::operator new[](n, a, std::nothrow);
    check(is_ours(p, n, alignment), "an aligned array, nothrow");
    ::operator delete[](p, n, a);
    p = ::operator new[](n, a);
    ::operator delete[](p, a, std::nothrow);
  }
}

int handled = 0;
template <class F> bool throws_bad_alloc(F f) {
  try {
    f();
  } catch (std::bad_alloc const&) { return true; }
  return false;
}

// Not const, so that no compiler can tell that these cannot be had.
size_t volatile too_much = ~size_t{0} / 2 - 4096;
size_t volatile no_alignment = 24;

void handlers() {
  check(std::get_new_handler() == nullptr, "no handler at first");
  check(throws_bad_alloc([] { ::operator delete(::operator new(too_much)); }), "no memory throws");
  check(::operator new(too_much, std::nothrow) == nullptr, "no memory, nothrow");
  check(throws_bad_alloc([] { ::operator delete(::operator new (8, std::align_val_t{no_alignment})); }),
        "an alignment of 24");
  check(::operator new (8, std::align_val_t{no_alignment}, std::nothrow) == nullptr, "an alignment of 24, nothrow");

  std::set_new_handler([] {
    if (++handled == 3) std::set_new_handler(nullptr);
  });
  check(throws_bad_alloc([] { ::operator delete[](::operator new[](too_much)); }) && handled == 3,
        "the handler is called until it is gone");

  std::set_new_handler([] {
    ++handled;
    throw std::bad_alloc();
  });
  handled = 0;
  check(::operator new(too_much, std::nothrow) == nullptr&& handled == 1, "a handler that throws, nothrow");
  check(throws_bad_alloc([] { ::operator delete(::operator new (too_much, std::align_val_t{64})); }) && handled == 2,
        "a handler that throws");

  // A handler that helps: it frees what stands in the way.
  static void* in_the_way = zmm::thread_heap::allocate(size_t{64} << 20);
  check(zmm::thread_heap::set_limit(zmm::thread_heap::real_size() + (size_t{8} << 20)), "a limit can be set");
  std::set_new_handler([] {
    ++handled;
    zmm::thread_heap::deallocate(in_the_way);
    in_the_way = nullptr;
    std::set_new_handler(nullptr);
  });
  handled = 0;
  void* const p = ::operator new (size_t{32} << 20);
  check(p != nullptr && handled == 1, "what the handler freed is enough");
  ::operator delete(p);
  (void)zmm::thread_heap::set_limit(~size_t{0});
  std::set_new_handler(nullptr);
}

struct alignas(64) wide {
  char bytes[100];
};
struct with_destructor {
  std::string text = "long enough that it does not fit into the string itself";
  ~with_destructor() { text += "!"; }
};

void library() {
  size_t const before = zmm::thread_heap::stats().live_blocks;
  {
    std::vector<std::string> words(1000, "long enough that it does not fit into the string itself");
    check(zmm::thread_heap::owns(words[7].data()), "strings");
    std::map<int, std::unique_ptr<wide>> wides;
    for (int i = 0; i < 100; ++i) wides[i] = std::make_unique<wide>();
    auto* const array = new with_destructor[10];  // with a cookie in front
    delete[] array;
    std::function<size_t()> const f = [words] { return words.size(); };
    check(f() == 1000, "a function object");
    std::ostringstream out;
    out << f() << std::string(5000, 'x');
    auto future = std::async(std::launch::async, [&] { return words.front() + out.str(); });
    check(future.get().size() > 5000, "a future");
    std::vector<std::thread> threads;
    std::vector<std::unique_ptr<std::string>> made(4);
    for (size_t t = 0; t < 4; ++t)
      threads.emplace_back([&made, t] { made[t] = std::make_unique<std::string>(t + 100, 'y'); });
    for (auto& t : threads) t.join();
    try {
      throw std::runtime_error("thrown, with a text that is longer than a string holds in itself");
    } catch (std::exception const& e) { check(std::string(e.what()).size() > 30, "an exception"); }
    std::pmr::vector<int> numbers(1000, 1, std::pmr::new_delete_resource());
    check(zmm::thread_heap::owns(numbers.data()), "std::pmr::new_delete_resource");
  }
  check(zmm::thread_heap::stats().live_blocks <= before + 2, "everything was freed");
}

struct after_main {
  std::vector<std::string> words = std::vector<std::string>(100, std::string(100, 'z'));
  ~after_main() {
    words.clear();
    std::vector<int>(1000).swap(numbers);
    zmm::thread_heap::verify();
    if (fine) std::puts("ok");
    std::fflush(stdout);
    if (!fine) std::_Exit(1);
  }
  std::vector<int> numbers;
} const speaks_last;
}  // namespace

int main() {
  check(zmm::thread_heap::owns(speaks_last.words.data()), "statics before main");
  for (size_t const n :
       {size_t{0}, size_t{1}, size_t{24}, size_t{100}, size_t{3000}, size_t{3073}, size_t{50'000}, size_t{5} << 20})
    every_overload(n);
  ::operator delete(nullptr);
  ::operator delete[](nullptr, size_t{8});
  ::operator delete (nullptr, size_t{8}, std::align_val_t{64});
  handlers();
  library();
  return 0;
}
