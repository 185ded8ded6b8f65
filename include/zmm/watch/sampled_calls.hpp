// How an engine is sampled: a block on which a sample falls leaves the normal path, so that its free is noticed, and
// other frees need no look-up.
//
//     allocate_miss ─ (a sample may be due) allocate ─ sample_book::note
//        └─ (small) own_place
//     deallocate ─ (it may be a sample) deallocate ─ sample_book::forget
#pragma once

#include <zmm/watch/engine_over.hpp>
#include <zmm/watch/sample_book.hpp>
#include <zmm/watch/sample_clock.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The owner of an engine's samples: of a request its pool, else the engine itself.
template <class Core> auto sampled_owner(Core const& core, void const*, int) noexcept -> decltype(&core.pool()) {
  return &core.pool();
}
template <class Core> void const* sampled_owner(Core const&, void const* engine, long) noexcept { return engine; }

constexpr call_site as_call_site(call_site where) noexcept { return where; }
constexpr call_site as_call_site(no_site) noexcept { return {}; }

/// The calls of an engine whose options say that it is sampled.
template <class Engine> struct sampled_calls {
  using options = typename Engine::options;
  using site = typename Engine::site;
  using counted = sampled_bytes<options>;
  static constexpr std::size_t page = options::geometry::page_bytes;

  static sample_book& book() noexcept { return the_sample_book.value; }

  /// As the engine's allocate_asked(), for a block that a sample may fall on; its stack begins at `caller`. Sampling never makes
  /// an allocation fail: without memory for it the block is not sampled.
  ZMM_COLD static void* allocate(Engine& e, std::size_t bytes, std::size_t alignment, site where, admission& asked,
                                 void const* caller) noexcept {
    bool const is_sampled = counted::falls(bytes);
    void* const block = e.allocate_asked(bytes, alignment, where, asked, caller);
    if (!is_sampled || block == nullptr || e.is_watched()) return block;
    void* const place = is_small(bytes, alignment) ? own_place(e, e.core().usable_size(block, bytes, alignment)) : block;
    if (place == nullptr) return block;
    if (!note(e, place, bytes, where, caller)) {
      if (place != block) e.core().give(place, paged_bytes, 1);
      return block;
    }
    if (place != block) e.core().give(block, bytes, alignment);
    return place;
  }

  /// Frees a block that the hit path of frees refused. Requires: bytes > 0.
  ZMM_NOINLINE static void deallocate(Engine& e, void* block, std::size_t bytes, std::size_t alignment) noexcept {
    if (block == nullptr) return;  // typed faces pass it where no objects are freed
    bool const has_own_place = book().forget(block) && Engine::samples_apart && is_small(bytes, alignment);
    e.core().give(block, has_own_place ? paged_bytes : bytes, has_own_place ? 1 : alignment);
  }
  /// Effects: a block that is about to be freed by its address is no sample.
  ZMM_COLD static void forget(void const* block) noexcept { book().forget(block); }

  /// Effects: a block at `before` of `old` bytes has its place at `now` and `bytes` bytes. A sample may fall on the
  /// bytes it gained.
  ZMM_COLD static void resized(Engine& e, void const* before, void* now, std::size_t old, std::size_t bytes) noexcept {
    if (e.is_watched()) return;
    book().moved(before, now, bytes);
    bool const is_apart =
        !Engine::samples_apart || old > Engine::slot_limit;  // else it is a slot, which has grown within itself
    if (bytes <= old || !is_apart || !counted::count(bytes - old) || !counted::falls(bytes - old)) return;
    book().forget(now);
    note(e, now, bytes, no_site{}, ZMM_RETURN_ADDRESS());
  }

  /// Effects: forgets the samples of the engine, which has no live block any more.
  ZMM_COLD static void end(Engine& e) noexcept {
    if (!e.has_samples.load(memory_order_relaxed)) return;
    e.has_samples.store(false, memory_order_relaxed);
    book().end_engine(&e);
    if (owner(e) == &e) book().end_owner(&e);
  }
  static void const* owner(Engine const& e) noexcept { return sampled_owner(e.core(), &e, 0); }

private:
  static constexpr std::size_t paged_bytes = Engine::slot_limit + 1;  ///< as what a block with pages of its own is freed
  /// Pages that are taken at this alignment are none of a slot's, however few they are.
  static constexpr std::size_t paged_alignment = std::size_t{2} << highest_bit(Engine::slot_limit);
  static_assert(paged_alignment > Engine::slot_limit);

  static bool is_small(std::size_t bytes, std::size_t alignment) noexcept {
    return Engine::samples_apart && rank_of(bytes, alignment) < Engine::slot_limit;
  }
  ZMM_COLD static void* own_place(Engine& e, std::size_t bytes) noexcept {
    admission asked;
    e.begin(asked);
    std::size_t const alignment = paged_alignment > page ? paged_alignment : page;
    void* const place = e.core().attempt(bytes, alignment, asked);
    if (place != nullptr) e.core().handed_out(place, bytes, alignment);
    return place;
  }
  template <class Where>
  static bool note(Engine& e, void const* block, std::size_t bytes, Where where, void const* caller) noexcept {
    e.has_samples.store(true, memory_order_relaxed);
    return book().note({owner(e), &e, block, bytes, sample_clock::weight(bytes, options::sample_every),
                        options::sample_every, as_call_site(where), nullptr, walked_stack::from(caller)});
  }

public:
  static constexpr sampler<Engine> table{&allocate, &deallocate, &forget, &resized, &end};
};

}}}  // namespace zmm::detail
