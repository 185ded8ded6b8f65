#include "object.hpp"

#include <zmm/zmm.hpp>

#include <cstdio>
#include <string_view>
#include <thread>
#include <vector>

namespace {
void on_stop(zmm::stop_info const&) noexcept {}

// Whether what `thrower` throws is caught here as an Exception, whichever object it was thrown in.
template <class Exception> bool is_caught(void (*thrower)()) {
  try {
    thrower();
  } catch (Exception const& e) { return std::string_view(e.what()).substr(0, 4) == "zmm:"; } catch (...) {
  }
  return false;
}
struct hidden : zmm::default_options {};
}  // namespace

int main() {
  bool fine = true;
  auto check = [&fine](bool holds, char const* rule) {
    if (!holds) std::printf("broken: %s\n", rule);
    fine = fine && holds;
  };
  void const* const ours = &zmm::default_request_pool();
  check(first::default_pool() == ours && second::default_pool() == ours, "one default pool in the process");

  zmm::set_stop_handler(&on_stop);
  void* const handler = reinterpret_cast<void*>(&on_stop);
  check(first::stop_handler_before() == handler && second::stop_handler_before() == handler,
        "one stop handler in the process");
  zmm::set_stop_handler(nullptr);

  // A request begun in one object, used here, ended in the other: its slabs come from and go back to the same pool.
  std::pmr::memory_resource* request = first::begin_request();
  {
    std::pmr::vector<int> numbers{request};
    for (int i = 0; i < 10'000; ++i) numbers.push_back(i);
    check(zmm::default_request_pool().stats().in_flight == 1, "a request of another object is in flight here");
  }
  second::end_request(request);
  check(zmm::default_request_pool().stats().in_flight == 0, "and ended in a third");

  // Types are the same everywhere.
  check(is_caught<zmm::memory_limit_exceeded>(first::pass_limit), "an exception of a limit is caught as what it is");
  check(is_caught<zmm::out_of_memory>(second::use_up_storage), "an exception of a storage is caught as what it is");
  zmm::request_resource ours_too;
  zmm::heap_resource heap;
  char memory[100];
  zmm::buffer_storage fixed{memory, sizeof memory};
  zmm::resource_storage upstream{std::pmr::new_delete_resource()};
  for (auto const name_of : {first::name_of, second::name_of}) {
    check(std::string_view(name_of(&ours_too, nullptr)) == "request", "a request is one elsewhere");
    check(std::string_view(name_of(&heap, nullptr)) == "heap", "a heap is one elsewhere");
    check(std::string_view(name_of(nullptr, &fixed)) == "buffer", "a storage is what it is elsewhere");
    check(std::string_view(name_of(nullptr, &upstream)) == "upstream", "a storage is what it is elsewhere");
  }

  // One heap of the process, and in it one part for each thread, whichever object's code allocates or frees.
  std::pmr::memory_resource* const resource = zmm::thread_resource();
  check(first::thread_resource() == resource && second::thread_resource() == resource,
        "one thread_resource in the process");
  std::vector<std::thread> threads;
  std::vector<void*> left(4);
  for (std::size_t t = 0; t < left.size(); ++t)
    threads.emplace_back([&left, t] {
      for (int i = 0; i < 2000; ++i) second::deallocate(first::allocate(64), 64);
      for (int i = 0; i < 2000; ++i) zmm::thread_heap::deallocate(second::allocate(5000), 5000);
      left[t] = t % 2 == 0 ? first::allocate(100) : second::allocate(100);
    });
  for (std::thread& t : threads) t.join();
  for (void* p : left) {
    check(first::owns(p) && second::owns(p) && zmm::thread_heap::owns(p), "a block is known everywhere");
    second::deallocate(p, 100);
  }
  zmm::thread_heap::verify();
  check(zmm::thread_heap::stats().live_blocks == 0, "what one object allocates another frees");
  check(zmm::thread_heap::real_size() <= (std::size_t{2} << 20) * 5 + (1 << 20), "a thread has one part of the heap");

  // A heap is current in all objects, as is the heap of the emalloc functions.
  {
    zmm::heap mine;
    zmm::basic_heap<hidden> own;
    zmm::mm_heap mm{mine};
    zmm::use_heap_of scope{mine};
    zmm::use_heap_of own_scope{own};
    zmm::use_heap mm_scope{mm};
    check(first::current_heap() == &mine && second::current_heap() == &mine, "a heap is current in every object");
    check(first::current_hidden() != &own && second::current_hidden() != &own,
          "and not one whose type only has that name");
    char* const copy = first::copy_of("of the current heap");
    check(mine.owns(copy), "the emalloc functions of every object use the current heap");
    second::free_copy(copy);
    check(mine.stats().live_blocks == 0, "whichever object frees");
  }
  bool caught = false;
  try {
    second::fail();
  } catch (zmm::no_current_heap const&) { caught = true; }
  check(caught, "no_current_heap is one type");

  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
