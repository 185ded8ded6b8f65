// What is derived from a core, apart from hit paths: misses, blocks that change size, the engine as a whole.
#pragma once

#include <zmm/watch/engine_over.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The usual miss, which needs no stack frame.
template <class Core>
template <bool Throws>
ZMM_NOINLINE void* engine_over<Core>::allocate_miss(std::size_t bytes, std::size_t alignment,
                                                    site where) noexcept(!Throws) {
  void* block = nullptr;
  if (ZMM_LIKELY(!counted::is_due(bytes))) {
    if constexpr (Core::looks_aside) block = core().take_aside(bytes, alignment);
    else block = core().take_fresh(bytes, alignment);
  }
  // The address is taken here, because the function behind may be called instead of jumped to.
  return ZMM_LIKELY(block != nullptr) ? block : behind_miss<Throws>(bytes, alignment, where, ZMM_RETURN_ADDRESS());
}
template <class Core>
template <bool Throws>
ZMM_NOINLINE void* engine_over<Core>::behind_miss(std::size_t bytes, std::size_t alignment, site where,
                                                  void const* caller) noexcept(!Throws) {
  if (ZMM_LIKELY(!counted::is_due(bytes))) {
    if constexpr (Core::looks_aside)
      if (void* const block = core().take_fresh(bytes, alignment); ZMM_LIKELY(block != nullptr)) return block;
    if (void* const block = core().take_ahead(bytes, alignment)) return block;
  }
  admission asked;
  void* const block = allocate_missed(bytes, alignment, where, asked, caller);
  if (Throws && ZMM_UNLIKELY(block == nullptr)) throw_refusal(bytes, asked);
  return block;
}

template <class Core> void* engine_over<Core>::allocate_growing(std::size_t bytes, std::size_t alignment) {
  admission asked;
  asked.growth = growth::known;
  void* const block = allocate_moved(bytes, alignment, asked);
  if (ZMM_UNLIKELY(block == nullptr)) throw_refusal(bytes, asked);
  return block;
}
template <class Core> void* engine_over<Core>::try_allocate_growing(std::size_t bytes, std::size_t alignment) noexcept {
  admission asked;
  asked.growth = growth::known;
  return allocate_moved(bytes, alignment, asked);
}

/// For a block that another one moves to: its bytes have not been counted yet.
template <class Core>
void* engine_over<Core>::allocate_moved(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
  static_cast<void>(counted::count(bytes));
  return allocate_missed(bytes, alignment, site{}, asked, ZMM_RETURN_ADDRESS());
}
template <class Core>
ZMM_INLINE void* engine_over<Core>::allocate_missed(std::size_t bytes, std::size_t alignment, site where, admission& asked,
                                                    void const* caller) noexcept {
  if constexpr (is_sampled) {
    using calls = sampled_calls<engine_over>;
    if (counted::is_due(bytes)) return calls::allocate(*this, bytes, alignment, where, asked, caller);
  }
  return allocate_asked(bytes, alignment, where, asked, caller);
}
/// Serves what no list has at hand. An engine's first allocation comes here, which settles whether it forwards, if that
/// is still open.
template <class Core>
ZMM_NOINLINE void* engine_over<Core>::allocate_asked(std::size_t bytes, std::size_t alignment, site where, admission& asked,
                                                     void const* caller) noexcept {
  if (core().is_untouched()) decide();
  core().look_at_switch();
  if (ZMM_LIKELY(bound_.is_plain())) return allocate_rest(bytes, alignment, asked);
  return allocate_otherwise(bytes, alignment, where, asked, caller);
}
/// In an engine that is watched, or whose sampling was switched on.
template <class Core>
ZMM_NOINLINE void* engine_over<Core>::allocate_otherwise(std::size_t bytes, std::size_t alignment, site where, admission& asked,
                                                         void const* caller) noexcept {
  if (is_watched()) return watched_calls::allocate(*this, bytes, alignment, where, asked);
  auto const* const s = sampling();
  return s != nullptr ? s->allocate(*this, bytes, alignment, where, asked, caller) : nullptr;
}

/// Makes attempts; between them it reclaims and asks the limit's hook. It opens the reserve before it asks the hook,
/// and when it fails.
template <class Core>
template <class Attempt>
ZMM_INLINE void* engine_over<Core>::obtain_block(std::size_t const& bytes, admission& asked, Attempt attempt) noexcept {
  void* const block = obtain(
      asked, attempt, [&] { return core().reclaim(); },
      [&] {
        core().open_reserve();
        return core().ask_hook(bytes);
      });
  if (block == nullptr && asked.asks && asked.why != refusal::address) core().open_reserve();
  return block;
}

template <class Core>
ZMM_INLINE void* engine_over<Core>::allocate_rest(std::size_t bytes, std::size_t alignment, admission& asked) noexcept {
  if (!is_power_of_two(alignment)) return asked.refuse_address();
  if (bytes == 0) bytes = 1;
  begin(asked);
  void* const block =
      obtain_block(bytes, asked, [&](admission& again) { return core().attempt(bytes, alignment, again); });
  if (block != nullptr) core().handed_out(block, bytes, alignment);
  return block;
}

/// As allocate_rest(), but from malloc, and charged with its exact size.
template <class Core>
ZMM_COLD void* engine_over<Core>::allocate_forwarded(std::size_t bytes, std::size_t alignment,
                                                     admission& asked) noexcept {
  begin(asked);
  return obtain_block(bytes, asked, [&](admission& again) -> void* {
    if (!core().charge(bytes, again)) return nullptr;
    void* const block = forwarded_block(bytes, alignment);
    if (block != nullptr) return block;
    core().discharge(bytes);
    return again.refuse_storage(bytes, alignment);
  });
}

template <class Core>
ZMM_NOINLINE void engine_over<Core>::deallocate_miss(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if constexpr (is_sampled) {
    if (auto const* const s = sampling()) return s->deallocate(*this, block, bytes != 0 ? bytes : 1, alignment);
  }
  if constexpr (Core::looks_aside) {
    if (!core().give_aside(block, bytes, alignment)) deallocate_behind(block, bytes, alignment);
  } else {
    give_or_watch(block, bytes, alignment);
  }
}
template <class Core>
ZMM_NOINLINE void engine_over<Core>::deallocate_behind(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  give_or_watch(block, bytes, alignment);
}
template <class Core>
ZMM_INLINE void engine_over<Core>::give_or_watch(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes == 0) return deallocate(block, 1, alignment);  // null may come here, but only with no size
  if (ZMM_LIKELY(bound_.is_plain())) return core().give_missed(block, bytes, alignment);
  if (is_watched()) return watched_calls::deallocate(*this, block, bytes, alignment);
  if (auto const* const s = sampling()) s->deallocate(*this, block, bytes, alignment);
}
/// Returns: whether the bytes stay as they are, but for the first and last words.
template <class Core>
ZMM_COLD bool engine_over<Core>::give_bare(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  if (!forwards()) return core().give(block, bytes, alignment);
  zmm_free(block);
  core().discharge(bytes);
  return false;
}

template <class Core>
template <class C, class Lists>
void engine_over<Core>::pop_blocks(std::size_t bytes, std::size_t alignment, std::size_t count,
                                   block_list& list) noexcept {
  if constexpr (!options::encode_links && !is_sampled) {
    std::size_t const rank = Lists::classes::rank_of(bytes, alignment);
    if (rank >= bound_.get() || alignment > Lists::most_aligned || !is_power_of_two(alignment)) return;
    bin_index const bin = Lists::classes::bin_of(rank);
    std::size_t const before = list.size();
    core().lists().pop_some(bin, count, list);
    this->add_live((list.size() - before) * slot_bytes(bin));
  }
}
template <class Core>
template <class C, class Lists>
void engine_over<Core>::push_blocks(std::size_t bytes, std::size_t alignment, block_list& list) noexcept {
  if constexpr (!options::encode_links && !is_sampled) {
    std::size_t const rank = Lists::classes::rank_of(bytes, alignment);
    if (rank >= bound_.get() || alignment > Lists::most_aligned) return;
    bin_index const bin = Lists::classes::bin_of(rank);
    this->remove_live(list.size() * slot_bytes(bin));
    core().lists().push_all(bin, list);
  }
}

template <class Core>
std::size_t engine_over<Core>::resize_in_place(void* block, std::size_t old_bytes, std::size_t min_bytes,
                                               std::size_t preferred_bytes) noexcept {
  if (ZMM_UNLIKELY(is_watched())) return watched_calls::resize_in_place(*this, block, min_bytes);
  admission asked;
  begin(asked);
  std::size_t const got = core().resize_in_place(block, old_bytes, min_bytes, preferred_bytes, asked);
  auto const* const s = got != 0 && min_bytes != old_bytes ? sampling() : nullptr;
  if (s != nullptr) s->resized(*this, block, block, old_bytes, min_bytes);
  return got;
}

template <class Core> ZMM_NOINLINE void engine_over<Core>::release() noexcept {
  core().check_may_release(this);
  run_end();
  drop_all();
}
template <class Core> ZMM_COLD void engine_over<Core>::end_watched() noexcept {
  end_blocks();
  core().end();
  if (is_watched()) watched_calls::dispose(*this);
}
template <class Core> ZMM_NOINLINE void engine_over<Core>::end_blocks() noexcept {
  if (auto const* const s = sampling()) s->end(*this);
  if (is_watched()) watched_calls::end_all(*this, Core::reports_leaks);
}
template <class Core> ZMM_NOINLINE void engine_over<Core>::drop_all() noexcept {
  core().for_each_child([](Core& child) { engine_of(child).drop_all(); });
  if (is_sampled || ZMM_UNLIKELY(!bound_.is_plain())) end_blocks();
  core().drop(this);
  reset_peak();
}

template <class Core> statistics engine_over<Core>::stats() const {
  statistics s;
  s.real_size = real_size();
  s.real_peak = real_peak();
  core().count(s);
  if (ZMM_UNLIKELY(is_watched())) watched_calls::correct(*this, s);
  return s;
}
template <class Core> void engine_over<Core>::reset_peak() noexcept {
  core().reset_peak();
  if (ZMM_LIKELY(!is_watched())) return;
  if (auto* const there = watch()) there->reset_peak();
}

/// Invariants:
///     exact_peak: live == what the core counts
///     size <= peak
template <class Core> void engine_over<Core>::verify() const {
  if (ZMM_UNLIKELY(is_watched())) watched_calls::verify(*this);
  if (ZMM_UNLIKELY(forwards())) return;  // the core has no blocks
  core().verify(this);
  if (ZMM_UNLIKELY(is_watched())) return;  // the figures are the watch's
  statistics const s = stats();
  if constexpr (options::exact_peak) check(s.size == core().live(), "live bytes are counted", nullptr, this);
  check(s.size <= s.peak, "size does not pass its peak", nullptr, this);
}

}}}  // namespace zmm::detail
