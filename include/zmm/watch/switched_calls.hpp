// How an engine is sampled whose sampling was switched on while the program runs: the process's heap, and requests of a pool.
//
//     allocate ─ (all calls miss) allocate ─ (a sample falls on it) sample_book::note
//     deallocate ─ (all calls miss) deallocate ─ sample_book::forget
//
// Calls of such an engine miss: its bound is lowered, and what an allocation would find at hand is hidden. So hit paths are what
// they are without sampling, and all that it costs is paid while it is on. A sampled block stays in its place.
#pragma once

#include <zmm/watch/engine_over.hpp>
#include <zmm/watch/sampled_calls.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Engine's core says `switch_of(core)`, found by its arguments, which has
///
/// | expression | what it is |
/// | --- | --- |
/// | `mean(bytes, alignment)` | bytes from one sample to the next, for a block just taken; 0: it is not sampled |
/// | `factor(bytes, alignment)` | how many blocks it then stands for, beyond what follows from the mean |
/// | `counter()` | a live_samples, or null |
/// | `take(engine)` | an object that lives while one block is taken: what is at hand is not hidden from the engine itself |
/// | `hit(bytes, alignment)` | the same one, if it is at hand; null: it is not |
/// | `follow()` | hides what is at hand, or shows it again, as the switch now says |
/// | `note(bytes, alignment)` | a block of the engine was sampled |
/// | `end(engine)` | no block is live any more; forgets samples |
template <class Engine> struct switched_calls {
  using site = typename Engine::site;

  static sample_book& book() noexcept { return the_sample_book.value; }
  static auto switched(Engine& e) noexcept { return switch_of(e.core(), &e); }
  static bool is_on(Engine const& e) noexcept { return e.bound_.is_lowered(); }
  static void const* owner(Engine const& e) noexcept { return sampled_owner(e.core(), &e, 0); }

  ZMM_NOINLINE static void* allocate(Engine& e, std::size_t bytes, std::size_t alignment, site where, admission& asked,
                                     void const* caller) noexcept {
    auto s = switched(e);
    void* block = nullptr;
    {
      [[maybe_unused]] auto const taking = s.take(e);
      block = s.hit(bytes, alignment);
      if (block == nullptr) block = e.allocate_rest(bytes, alignment, asked);
    }
    if (block == nullptr) return nullptr;
    book().forget(block);  // if its free was not noticed
    std::size_t const mean = s.mean(bytes, alignment);
    if (mean != 0 && rank_of(bytes, alignment) != 0 && sample_falls(bytes, mean))
      note(e, block, bytes, alignment, where, mean, caller, 0);
    s.follow();
    return block;
  }
  ZMM_NOINLINE static void deallocate(Engine& e, void* block, std::size_t bytes, std::size_t alignment) noexcept {
    if (block == nullptr) return;  // typed faces pass it where no objects are freed
    book().forget(block);
    switched(e).follow();
    e.core().give(block, bytes, alignment);
  }
  ZMM_COLD static void forget(void const* block) noexcept { book().forget(block); }
  /// A sample may fall on the bytes that a block of pages has gained.
  ZMM_COLD static void resized(Engine& e, void const* before, void* now, std::size_t old, std::size_t bytes) noexcept {
    book().moved(before, now, bytes);
    if (bytes <= old || old <= Engine::slot_limit) return;
    std::size_t const mean = switched(e).mean(bytes, 1);
    if (mean == 0 || !sample_falls(bytes - old, mean)) return;
    book().forget(now);
    note(e, now, bytes, 1, site{}, mean, ZMM_RETURN_ADDRESS(), 1);
  }
  ZMM_COLD static void end(Engine& e) noexcept { switched(e).end(e); }

  static void lower(Engine& e, bool wanted) noexcept { e.bound_.lower(wanted); }
  static bool is_watched(Engine const& e) noexcept { return e.is_watched(); }

  static constexpr sampler<Engine> table{&allocate, &deallocate, &forget, &resized, &end};

private:
  ZMM_COLD static void note(Engine& e, void* block, std::size_t bytes, std::size_t alignment, site where,
                            std::size_t mean, void const* caller, std::size_t more) noexcept {
    auto s = switched(e);
    double const weight = s.factor(bytes, alignment) * sample_clock::weight(bytes, mean);
    s.note(bytes, alignment);
    book().note(
        {owner(e), &e, block, bytes, weight, mean, as_call_site(where), s.counter(), walked_stack::from(caller, more)});
  }
};

}}}  // namespace zmm::detail
