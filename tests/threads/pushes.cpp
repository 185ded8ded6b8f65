// What a block costs that another thread frees, in atomic read-modify-writes: every exchange with a depot is counted, for two
// threads that exchange blocks and for one that only allocates and one that only frees.
#include <zmm/blocks/free_slot.hpp>
#include <zmm/threads/depot.hpp>

#include <atomic>
#include <cstddef>
#include <cstdio>

namespace counted {
std::atomic<std::size_t> read_modify_writes{0};
std::atomic<std::size_t> foreign_frees{0};

// std::atomic that counts what has to own its cache line to itself.
template <class T> class counting_atomic {
public:
  constexpr counting_atomic() noexcept = default;
  constexpr counting_atomic(T value) noexcept : value_(value) {}
  T load(zmm::detail::memory_order order) const noexcept { return value_.load(order); }
  void store(T value, zmm::detail::memory_order order) noexcept { value_.store(value, order); }
  T exchange(T value, zmm::detail::memory_order order) noexcept {
    read_modify_writes.fetch_add(1, std::memory_order_relaxed);
    return value_.exchange(value, order);
  }
  bool compare_exchange_strong(T& expected, T wanted, zmm::detail::memory_order done,
                               zmm::detail::memory_order failed) noexcept {
    read_modify_writes.fetch_add(1, std::memory_order_relaxed);
    return value_.compare_exchange_strong(expected, wanted, done, failed);
  }

private:
  zmm::detail::atomic<T> value_{};
};
}  // namespace counted

// The depot that the heap uses in this program, before the heap is known: the same over the counting atomic.
namespace zmm { inline namespace ZMM_ABI { namespace detail {
template <std::size_t Places>
class depot<free_slot, Places, detail::atomic> : public depot<free_slot, Places, counted::counting_atomic> {};
}}}  // namespace zmm::detail

#include <zmm/zmm.hpp>

#include <array>
#include <memory>
#include <thread>

namespace {
using counted::foreign_frees, counted::read_modify_writes;
bool fine = true;

constexpr std::size_t slots = 1024, blocks = 200'000;

struct exchange_place {
  std::array<std::atomic<void*>, slots> at{};
};

// Two threads put blocks into shared slots and free what was there. Foreign frees are about half of all; next to none of them
// goes to a depot, because the thread that frees allocates as much.
double exchanged(std::size_t bytes) {
  zmm::synchronized_heap heap;
  auto const place = std::make_unique<exchange_place>();
  foreign_frees = 0;
  read_modify_writes = 0;
  std::array<std::atomic<std::size_t>, 2> reached{};
  auto const work = [&](std::size_t thread) {
    std::size_t seed = thread + 1, count = 0;
    for (std::size_t i = 0; i < blocks; ++i) {
      reached[thread] = i;
      while (reached[1 - thread] + 64 < i) std::this_thread::yield();  // so that they meet on a busy machine too
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      auto* const mine = static_cast<std::size_t*>(heap.allocate(bytes, 8));
      *mine = thread;
      void* const old = place->at[seed >> 40 & (slots - 1)].exchange(mine, std::memory_order_acq_rel);
      if (old == nullptr) continue;
      count += *static_cast<std::size_t*>(old) != thread;
      heap.deallocate(old, bytes, 8);
    }
    reached[thread] = blocks;
    foreign_frees += count;
  };
  std::thread one(work, 0), other(work, 1);
  one.join();
  other.join();
  double const each = static_cast<double>(read_modify_writes) / static_cast<double>(foreign_frees);
  for (auto& p : place->at) heap.deallocate(p.load(), bytes, 8);
  return each;
}

// One thread allocates rounds of blocks, another frees them.
double handed_over(std::size_t bytes) {
  zmm::synchronized_heap heap;
  constexpr std::size_t round = 1000;
  std::array<void*, round> held{};
  std::atomic<std::size_t> turn{0};
  read_modify_writes = 0;
  auto const work = [&](std::size_t thread) {
    for (std::size_t i = 0; i < blocks / round; ++i) {
      while (turn.load(std::memory_order_acquire) != 2 * i + thread) std::this_thread::yield();
      for (void*& p : held) {
        if (thread == 0) p = heap.allocate(bytes, 8);
        else heap.deallocate(p, bytes, 8);
      }
      turn.store(2 * i + thread + 1, std::memory_order_release);
    }
  };
  std::thread one(work, 0), other(work, 1);
  one.join();
  other.join();
  return static_cast<double>(read_modify_writes) / static_cast<double>(blocks);
}

void check(char const* what, std::size_t bytes, double each) {
  if (each <= 1.0 / 16) return;
  std::printf("broken: %s, %zu bytes: %.4f atomic read-modify-writes for each foreign free\n", what, bytes, each);
  fine = false;
}
}  // namespace

int main(int count, char**) {
  for (std::size_t const bytes : {8u, 64u, 100u, 256u, 640u, 1024u}) {
    double const random = exchanged(bytes), batches = handed_over(bytes);
    if (count > 1) std::printf("%zu bytes: %.4f exchanged, %.4f handed over\n", bytes, random, batches);
    check("exchanged", bytes, random);
    check("handed over", bytes, batches);
    if (foreign_frees < blocks / 10) std::puts("broken: the threads did not meet"), fine = false;
    if (batches == 0) std::puts("broken: nothing is counted"), fine = false;
  }
  if (fine) std::puts("ok");
  return fine ? 0 : 1;
}
