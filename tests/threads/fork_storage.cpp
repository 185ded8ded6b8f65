// fork() while a storage uses other heaps of zmm's: locks are nested as the storages are, and the fork wants all of them.
#include <zmm/debug.hpp>
#include <zmm/zmm.hpp>

#include "../support/lock_order.hpp"
#include <atomic>
#include <cstdio>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {
std::atomic<int> stage{0};

// What any storage may do that keeps a list of its blocks in a heap.
template <class Note> class noting_storage : public zmm::storage {
public:
  explicit noting_storage(Note take_note) : note_(take_note) {}

  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    if (stage == 1) {
      stage = 2;
      ::usleep(100000);  // now the fork has begun
      note_();
      stage = 3;
    }
    return zmm::os_storage().allocate(bytes, alignment, reserve);
  }
  void deallocate(void* p, std::size_t bytes, std::size_t reserve) noexcept override {
    zmm::os_storage().deallocate(p, bytes, reserve);
  }

private:
  Note note_;
};

void note_in_the_process_heap() {
  zmm::thread_heap::deallocate(zmm::thread_heap::allocate(64), 64);
  zmm::thread_heap::deallocate(zmm::thread_heap::allocate(3 << 20), 3 << 20);
}
void note_in_a_request() {
  zmm::request_heap request;
  (void)request.allocate(300000);
}
void note_in_a_debug_heap() {
  static zmm::debug_synchronized_heap notes;
  notes.deallocate(notes.allocate(64), 64);
}
void note_in_a_new_heap() {
  zmm::synchronized_heap brief;
  brief.deallocate(brief.allocate(64), 64);
}
void note_by_a_fork() {
  pid_t const child = ::fork();
  if (child == 0) ::_exit(0);
  int status = 0;
  ::waitpid(child, &status, 0);
}

// More than was used before: nothing that is kept will do.
template <class Heap> void use(Heap& heap) {
  static std::size_t bytes = 4 << 20;
  bytes += 8 << 20;
  std::size_t const now = bytes;
  heap.deallocate(heap.allocate(now), now);
}

template <class Heap, class Note> bool run(char const* name, Note note, bool uses_before) {
  pid_t const process = ::fork();
  if (process != 0) {
    int status = 1;
    ::waitpid(process, &status, 0);
    if (status != 0) std::printf("broken: %s: status %d\n", name, status);
    return status == 0;
  }
  ::alarm(20);
  if (uses_before) note();
  noting_storage<Note> storage(note);
  Heap heap(storage);
  use(heap);
  stage = 1;
  std::thread t([&] { use(heap); });
  while (stage < 2) ::usleep(1000);
  pid_t const child = ::fork();
  if (child == 0) {
    ::alarm(10);
    use(heap);
    note();
    ::_exit(0);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  t.join();
  use(heap);
  ::_exit(status == 0 && stage == 3 ? 0 : 1);
}

// A request over a pool of that storage.
class requests {
public:
  explicit requests(zmm::storage& from) : pool_(from) {}
  void* allocate(std::size_t bytes) {
    zmm::request_heap request(pool_);
    (void)request.allocate(bytes);
    return nullptr;
  }
  void deallocate(void*, std::size_t) {}

private:
  zmm::request_pool pool_;
};

template <class Heap> bool run_all(char const* name) {
  bool fine = true;
  for (bool const uses_before : {true, false}) {
    fine = run<Heap>(name, note_in_the_process_heap, uses_before) && fine;
    fine = run<Heap>(name, note_in_a_request, uses_before) && fine;
    fine = run<Heap>(name, note_in_a_debug_heap, uses_before) && fine;
    fine = run<Heap>(name, note_in_a_new_heap, uses_before) && fine;
  }
  return run<Heap>(name, note_by_a_fork, true) && fine;
}
}  // namespace

int main() {
  bool fine = run_all<zmm::synchronized_heap>("synchronized heap");
  fine = run_all<zmm::debug_synchronized_heap>("debug heap") && fine;
  fine = run_all<requests>("request pool") && fine;
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
