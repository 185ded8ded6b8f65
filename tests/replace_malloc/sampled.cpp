// sampled [fork] : a program that knows nothing of zmm. Says on standard output how many bytes of malloc's are live at its end,
// and how many it has allocated in all. With "fork", a child of it ends, too.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/wait.h>
#include <unistd.h>

namespace {

std::size_t live = 0, allocated = 0;
void* kept = nullptr;  // a list, so that no block is a leak

__attribute__((noinline)) void keep(std::size_t bytes) {
  void* const block = std::malloc(bytes);
  if (block == nullptr) std::abort();
  std::memcpy(block, &kept, sizeof kept);
  kept = block;
  live += bytes;
  allocated += bytes;
}
__attribute__((noinline)) void use(std::size_t bytes) {
  void* volatile block = std::malloc(bytes);  // volatile: compilers leave out what is only freed
  if (block == nullptr) std::abort();
  std::free(block);
  allocated += bytes;
}

}  // namespace

int main(int count, char**) {
  for (std::size_t i = 0; i < 60000; ++i) {
    keep(100 + i % 300);
    use(50 + i % 500);
    if (i % 300 == 0) keep(20000);
  }
  std::printf("%zu %zu\n", live, allocated);
  std::fflush(stdout);
  if (count > 1) {
    if (fork() == 0) return 0;
    wait(nullptr);
  }
}
