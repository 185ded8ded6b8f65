// A few threads that live as long as a benchmark and work in step.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace bench {

// What a thread does while it waits for another: a few hundred short pauses, then it yields the processor.
class patience {
public:
  void wait() noexcept {
    if (++waits_ % 256 == 0) std::this_thread::yield();
    asm volatile("pause" : : : "memory");
  }

private:
  unsigned waits_ = 0;
};

class crew {
public:
  using seconds = std::chrono::duration<double>;

  explicit crew(std::size_t size) : spans_(size) {
    for (std::size_t i = 0; i < size; ++i) threads_.emplace_back([this, i] { live(i); });
  }
  crew(crew const&) = delete;
  crew& operator=(crew const&) = delete;
  ~crew() {
    run_job(nullptr);
    for (auto& t : threads_) t.join();
  }

  // Runs work(0) … work(size - 1), one on each thread. Returns: seconds from the moment all are ready until the last has
  // ended; waking up does not count.
  double run(std::function<void(std::size_t)> const& work) {
    run_job(&work);
    auto begin = spans_[0].begin, end = spans_[0].end;
    for (auto const& s : spans_) {
      begin = s.begin < begin ? s.begin : begin;
      end = s.end > end ? s.end : end;
    }
    return seconds{end - begin}.count();
  }

private:
  using clock = std::chrono::steady_clock;
  struct span {
    clock::time_point begin, end;
  };

  void run_job(std::function<void(std::size_t)> const* job) {
    std::unique_lock lock{mutex_};
    job_ = job;
    ready_ = 0;
    ended_ = 0;
    ++jobs_;
    begin_.notify_all();
    end_.wait(lock, [&] { return ended_ == spans_.size(); });
  }

  void live(std::size_t i) {
    for (std::size_t done = 0;; ++done) {
      std::unique_lock lock{mutex_};
      begin_.wait(lock, [&] { return jobs_ > done; });
      auto const* const job = job_;
      lock.unlock();
      if (job) {
        ++ready_;
        for (patience p; ready_ != spans_.size();) p.wait();
        spans_[i].begin = clock::now();
        (*job)(i);
        spans_[i].end = clock::now();
      }
      lock.lock();
      if (++ended_ == spans_.size()) end_.notify_one();
      if (!job) return;
    }
  }

  std::mutex mutex_;
  std::condition_variable begin_, end_;
  std::function<void(std::size_t)> const* job_ = nullptr;
  std::size_t jobs_ = 0, ended_ = 0;
  std::atomic<std::size_t> ready_{0};
  std::vector<span> spans_;
  std::vector<std::thread> threads_;
};

}  // namespace bench
