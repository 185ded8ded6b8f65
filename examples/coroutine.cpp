// A request in a coroutine: it lives in the handler's frame. So a suspended handler holds only what it has used so far.
#include <zmm/request_resource.hpp>

#include <algorithm>
#include <coroutine>
#include <cstdio>
#include <deque>
#include <exception>
#include <string>

namespace {
std::deque<std::coroutine_handle<>> ready;  // the event loop

/// A handler: begins at once, and destroys its frame when it ends.
struct task {
  struct promise_type {
    task get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

/// In place of a read from a socket: suspends until the loop resumes it.
struct next_part {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) const { ready.push_back(waiting); }
  std::string_view await_resume() const noexcept { return "a part that is too long to lie in the string itself; "; }
};

task handle(zmm::request_pool& pool, int parts, std::size_t& answered) {
  zmm::request_resource request{pool};  // in the frame
  std::pmr::string body{&request};
  for (int i = 0; i < parts; ++i) body += co_await next_part{};
  answered += body.size();
}  // the request ends
}  // namespace

int main() {
  zmm::request_pool pool;
  std::size_t answered = 0, most = 0;
  for (int i = 0; i < 100; ++i) handle(pool, 1 + i % 2, answered);  // every second one waits twice
  while (!ready.empty()) {
    std::coroutine_handle<> const next = ready.front();
    ready.pop_front();
    next.resume();
    most = std::max(most, pool.stats().in_flight);
  }
  std::printf("%zu bytes answered, at most %zu requests waiting with memory\n", answered, most);
  std::printf("in flight at the end: %zu\n", pool.stats().in_flight);
}

// prints: 7950 bytes answered, at most 50 requests waiting with memory
// prints: in flight at the end: 0
