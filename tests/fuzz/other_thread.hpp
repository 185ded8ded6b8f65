// A second thread for fuzzed steps, so that the same input does the same each time.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace fuzz {

// A thread that does what it is told, while who told it waits: the same steps every time.
class other_thread {
public:
  other_thread() : thread_([this] { work(); }) {}
  ~other_thread() {
    run(nullptr);
    thread_.join();
  }
  void run(std::function<void()> step) {
    std::unique_lock<std::mutex> lock(mutex_);
    step_ = std::move(step);
    is_set_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !is_set_; });
  }

private:
  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (bool goes_on = true; goes_on;) {
      changed_.wait(lock, [this] { return is_set_; });
      goes_on = step_ != nullptr;
      if (goes_on) step_();
      is_set_ = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> step_;
  bool is_set_ = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace fuzz
