// The switch of the process's heap: whether its calls are sampled.
#pragma once

#include <zmm/threads/thread_heap.hpp>
#include <zmm/watch/switched_calls.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The heap's bound is lowered, so that frees miss, while sampling is on or a sample lives: then each free asks whether its block is
/// one. Allocations miss while a thread's cache is hidden from its record. A thread hides its cache, or shows it again, when it
/// next comes by: at the latest after as many frees of a size as its list may hold.
///
/// Invariants, under the book's lock:
///     the bound is lowered == (mean != 0 || live.count != 0)
struct process_sampling {
  atomic<std::size_t> mean{0};
  live_samples live{0, &changed};

  static void changed() noexcept;
};
ZMM_SHARED ZMM_CONSTINIT inline process_sampling the_process_sampling{};

template <class Options> class process_switch {
  using heap_type = synchronized_heap_own<Options>;

public:
  static std::size_t mean(std::size_t, std::size_t) noexcept { return mean(); }
  static double factor(std::size_t, std::size_t) noexcept { return 1; }
  static live_samples* counter() noexcept { return &the_process_sampling.live; }

  struct taking {};  ///< the heap finds a hidden cache
  template <class Engine> static taking take(Engine&) noexcept { return {}; }
  static void* hit(std::size_t bytes, std::size_t alignment) noexcept {
    void const* const hidden = own_thread.record->hidden;
    return hidden != nullptr ? heap_type::pop(heap_type::as_cache(hidden), bytes, alignment) : nullptr;
  }
  ZMM_INLINE static void follow() noexcept {
    thread_record& own = *own_thread.record;
    if (ZMM_UNLIKELY((mean() != 0) != (own.hidden != nullptr))) change(own);
  }
  static void note(std::size_t, std::size_t) noexcept {}
  template <class Engine> static void end(Engine& e) noexcept {
    the_sample_book.value.end_engine(&e);
    the_sample_book.value.end_owner(&e);
  }

private:
  static std::size_t mean() noexcept { return the_process_sampling.mean.load(memory_order_relaxed); }
  ZMM_COLD static void change(thread_record& own) noexcept {
    void const*& entry = own.caches[process_lease.entry];
    if (own.hidden != nullptr) {
      entry = own.hidden;
      own.hidden = nullptr;
    } else if (entry != &no_cache) {
      own.hidden = entry;
      entry = &no_cache;
    }
  }
};
template <class Options> process_switch<Options> switch_of(synchronized_heap_own<Options>&, void*) noexcept {
  return {};
}

using process_engine = engine_over<synchronized_heap_own<default_options>>;
inline void process_sampling::changed() noexcept {
  bool const lowered =
      the_process_sampling.mean.load(memory_order_relaxed) != 0 || the_process_sampling.live.count != 0;
  switched_calls<process_engine>::lower(thread_heap::heap(), lowered);
}

}}}  // namespace zmm::detail
