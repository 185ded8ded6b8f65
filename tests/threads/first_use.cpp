// fork() while another thread is the first of the process to use zmm: the child, and its own child, use it too, and nobody
// waits for a thread that is not there. alarm() ends what hangs.
#include <zmm/storage/os_storage.hpp>

#include "../support/scale.hpp"
#include <atomic>
#include <cstdio>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {
// A block that grows into its reserve: its table has a lock, which forks hold.
void use() {
  std::size_t const page = zmm::os_page_size();
  void* const block = zmm::os_storage().allocate(page, page, 16 * page);
  if (block == nullptr || !zmm::os_storage().extend(block, page, 2 * page)) ::_exit(2);
  zmm::os_storage().deallocate(block, 2 * page, 16 * page);
}

// Runs `work` in a child; returns whether it came to its end.
template <class Work> bool in_child(Work work) {
  pid_t const child = ::fork();
  if (child == 0) {
    ::alarm(10);
    work();
    ::_exit(0);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// A process that zmm was not used in: a thread begins to, and a little later the process forks.
void first_use(int delay) {
  std::atomic<bool> begin{false}, over{false};
  std::thread other([&] {
    while (!begin) {}
    while (!over) use();
  });
  begin = true;
  for (std::atomic<int> passed{0}; passed < delay; ++passed) {}
  bool const fine = in_child([] {
    use();
    if (!in_child(use)) ::_exit(3);
    use();
  });
  over = true;
  other.join();
  if (!fine) ::_exit(1);
}
}  // namespace

int main() {
  int broken = 0;
  for (int round = 0; round < static_cast<int>(zmm_test::scaled(1000)); ++round) broken += !in_child([round] { first_use(round % 200 * 4); });
  if (broken == 0) std::puts("ok");
  else std::printf("broken: %d children\n", broken);
  return broken != 0;
}
