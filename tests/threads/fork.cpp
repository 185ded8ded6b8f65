// fork() under load: whatever the other threads were doing, the child's one thread goes on at once, frees blocks that absent
// threads made, forks again, and ends; the parent never notices. alarm() ends what hangs.
#include <zmm/zmm.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {
using std::size_t;

constexpr size_t chunk = size_t{2} << 20;
// A cache for a thread; AddressSanitizer's quarantine keeps 256 KiB of freed blocks, for which there may be another chunk.
constexpr size_t slack = (size_t{128} << 10) + (zmm::detail::under_asan ? chunk : 0);

zmm::synchronized_heap instance;

// What threads exchange: a block whose first word is its size, by thread_heap (even slots) or by the instance (odd ones).
std::array<std::atomic<size_t*>, 512> slots;

size_t* make(size_t slot, size_t bytes) {
  void* const p = slot % 2 == 0 ? zmm::thread_heap::allocate(bytes, 8) : instance.allocate(bytes, 8);
  auto* const block = static_cast<size_t*>(p);
  block[0] = bytes;
  block[bytes / 8 - 1] = bytes;
  return block;
}
// Returns: whether the block still held what was written.
bool drop(size_t slot, size_t* block) {
  if (block == nullptr) return true;
  size_t const bytes = block[0];
  bool const intact = block[bytes / 8 - 1] == bytes;
  if (slot % 2 == 0) zmm::thread_heap::deallocate(block, bytes, 8);
  else if (slot % 4 == 1) instance.deallocate(block);
  else instance.deallocate(block, bytes, 8);
  return intact;
}

bool exchange_blocks(std::uint64_t seed, size_t steps) {
  bool intact = true;
  for (size_t i = 0; i < steps; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    size_t const slot = seed >> 40 & 511, kind = seed >> 50 & 63;
    size_t const bytes = (kind == 0  ? chunk + (seed >> 30 & 0xfffff)
                          : kind < 8 ? 4000 + (seed >> 30 & 0xffff)
                                     : 16 + (seed >> 30 & 1023)) /
                         8 * 8;
    intact = drop(slot, slots[slot].exchange(make(slot, bytes), std::memory_order_acq_rel)) && intact;
    if (i % 512 == 0) (void)instance.collect();
    if (i % 1024 == 0) (void)zmm::thread_heap::trim();
    if (i % 64 == 0) {
      zmm::request_resource request;
      (void)request.allocate(1000, 8);
    }
    if (i % 2048 == 0) std::thread([] { (void)drop(1, make(1, 64)); }).join();
  }
  return intact;
}

// Blocks of a thread that does nothing else: in a child it is absent; they can be read and freed, and are used again.
zmm::synchronized_heap of_one_thread;
std::vector<std::pair<size_t*, size_t>> its_blocks;

void make_its_blocks() {
  for (size_t i = 0; i < 600; ++i) {
    size_t const bytes = i % 3 == 0 ? 5000 : 96;
    its_blocks.emplace_back(static_cast<size_t*>(of_one_thread.allocate(bytes, 8)), bytes);
    *its_blocks.back().first = i;
  }
}

bool all_come_back() {
  for (size_t i = 0; i < its_blocks.size(); ++i) {
    auto const [p, bytes] = its_blocks[i];
    if (*p != i || of_one_thread.usable_size(p) < bytes || !of_one_thread.owns(p)) return false;
    if (i % 2 == 0) of_one_thread.deallocate(p, bytes, 8);
    else of_one_thread.deallocate(p);
  }
  size_t const real = of_one_thread.real_size();
  std::vector<void*> fresh;
  for (size_t i = 0; i < its_blocks.size(); ++i) fresh.push_back(of_one_thread.allocate(i % 3 == 0 ? 5000 : 96, 8));
  std::sort(fresh.begin(), fresh.end());
  if (std::adjacent_find(fresh.begin(), fresh.end()) != fresh.end()) return false;  // none twice
  size_t again = 0;
  for (auto const& [p, bytes] : its_blocks)
    again += std::binary_search(fresh.begin(), fresh.end(), static_cast<void*>(p));
  of_one_thread.verify();
  return again > its_blocks.size() / 2 && of_one_thread.real_size() <= real + slack;
}

// malloc does as it likes with what a child frees.
bool forwards() {
  char const* const wish = std::getenv("ZMM_PASSTHROUGH");
  return wish != nullptr && *wish == '1';
}

// What a child does. Returns its exit status.
int child(int depth) {
  ::alarm(20);
  bool fine = depth != 0 || forwards() || all_come_back();
  for (size_t slot = 0; slot < slots.size(); ++slot)  // blocks of threads that are not here
    fine = drop(slot, slots[slot].exchange(nullptr)) && fine;
  std::vector<size_t*> mine;
  for (size_t i = 0; i < 2000; ++i) mine.push_back(make(i, 16 + i % 700 / 8 * 8));
  for (size_t i = 0; i < mine.size(); ++i) fine = drop(i, mine[i]) && fine;
  (void)instance.collect();
  (void)zmm::thread_heap::collect();
  (void)instance.trim();
  (void)zmm::thread_heap::stats();
  {
    zmm::request_resource request;
    (void)request.allocate(5000, 8);
    zmm::synchronized_heap fresh;
    fresh.deallocate(fresh.allocate(100), 100);
  }
  if (depth > 0) {
    pid_t const grandchild = ::fork();
    if (grandchild == 0) ::_exit(child(depth - 1));
    int status = 1;
    ::waitpid(grandchild, &status, 0);
    fine = fine && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  return fine ? 0 : 1;
}
}  // namespace

int main() {
  ::alarm(100);
  std::atomic<bool> over{false}, intact{true};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t round = 0; !over; ++round)
        if (!exchange_blocks(t * 1000 + round, 200)) intact = false;
    });
  std::atomic<bool> made{false};
  threads.emplace_back([&] {
    make_its_blocks();
    made = true;
    while (!over) std::this_thread::yield();
  });
  while (!made) std::this_thread::yield();
  bool fine = true;
  for (std::uint64_t forks = 0; forks < 40; ++forks) {
    if (!exchange_blocks(forks + 77, 100)) fine = false;
    pid_t const pid = ::fork();
    if (pid < 0) std::printf("broken: fork\n");
    if (pid == 0) ::_exit(child(forks % 4 == 0 ? 2 : 0));
    int status = 1;
    ::waitpid(pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      std::printf("broken: child %d ended with status %d\n", static_cast<int>(forks), status);
      fine = false;
    }
  }
  over = true;
  for (std::thread& t : threads) t.join();
  for (size_t slot = 0; slot < slots.size(); ++slot) fine = drop(slot, slots[slot].exchange(nullptr)) && fine;
  if (!intact) std::printf("broken: contents lost in the parent\n");
  instance.verify();
  zmm::thread_heap::verify();
  if (instance.stats().live_blocks != 0) std::printf("broken: blocks left in the parent\n");
  fine = fine && intact && instance.stats().live_blocks == 0;
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
