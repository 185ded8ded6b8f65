// Threads that start together, and blocks that can be identified after any number of threads has passed them on.
#pragma once
#include "random.hpp"
#include "sanitizers.hpp"
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

namespace zmm_test {

// A point at which `count` threads wait for each other, any number of times.
class meeting {
public:
  explicit meeting(std::size_t count) : count_(count) {}
  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    std::size_t const round = round_;
    if (++here_ == count_) {
      here_ = 0;
      ++round_;
      everyone_.notify_all();
      return;
    }
    everyone_.wait(lock, [&] { return round != round_; });
  }

private:
  std::mutex mutex_;
  std::condition_variable everyone_;
  std::size_t count_, here_ = 0, round_ = 0;
};

// Runs work(0) … work(count - 1) in threads that start at the same time; returns when all have ended.
template <class Work> void in_threads(std::size_t count, Work&& work) {
  meeting start(count);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i)
    threads.emplace_back([&, i] {
      start.wait();
      work(i);
    });
  for (std::thread& thread : threads) thread.join();
}

// Runs work() in a new thread, which has ended when this returns.
template <class Work> void in_a_thread(Work&& work) { std::thread(std::forward<Work>(work)).join(); }

// A block with a pattern in it: up to 16 words over its length that depend on its tag.
struct marked_block {
  void* p = nullptr;
  std::size_t bytes = 0, alignment = 1;
  alignas(8) std::uint64_t tag = 0;  // so that what lies behind one is aligned to 8 on i686, too
};

namespace detail {
template <class F> void for_marks(marked_block const& block, std::size_t bytes, F f) {
  std::size_t const stride = block.bytes / 16 < 8 ? 8 : block.bytes / 16;
  for (std::size_t at = 0; at < bytes; at += stride) f(at, bytes - at < 8 ? bytes - at : 8, mix(block.tag + at));
}
}  // namespace detail

inline void mark(marked_block const& block) {
  detail::for_marks(block, block.bytes, [&](std::size_t at, std::size_t length, std::uint64_t word) {
    std::memcpy(static_cast<unsigned char*>(block.p) + at, &word, length);
  });
}
inline marked_block marked(void* p, std::size_t bytes, std::size_t alignment, std::uint64_t tag) {
  marked_block const block{p, bytes, alignment, tag};
  if (p != nullptr) mark(block);
  return block;
}
// Whether the first `bytes` of the block hold what mark() wrote, and the block is aligned as it should be.
inline bool intact(marked_block const& block, std::size_t bytes) {
  bool same = reinterpret_cast<std::uintptr_t>(block.p) % block.alignment == 0;
  detail::for_marks(block, bytes, [&](std::size_t at, std::size_t length, std::uint64_t word) {
    same = same && std::memcmp(static_cast<unsigned char*>(block.p) + at, &word, length) == 0;
  });
  return same;
}
inline bool intact(marked_block const& block) { return intact(block, block.bytes); }

}  // namespace zmm_test
