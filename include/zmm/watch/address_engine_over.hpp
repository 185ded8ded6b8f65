// What engines that find a block by its address have in addition.
#pragma once

#include <zmm/watch/engine_over.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// As engine_over. Core has in addition
///
/// | expression | what it is |
/// | --- | --- |
/// | `give_found(block)` | frees a block by its address alone; null: no effect |
/// | `usable_size(block)` | what a caller may use of it; null: 0 |
/// | `owns(p)` | whether p points into memory that the engine has handed out or can hand out |
/// | `resize_or_move(block, bytes, alignment, asked)` | the block's place, if it can be resized without a copy; null: it cannot |
/// | `stay(block, bytes, alignment)` | whether the block serves so few bytes where it is; then it counts as one of these |
/// | `peak()` `restore_peak(peak)` | so that moving a block does not raise the peak |
template <class Core> class address_engine_over : public engine_over<Core> {
  using engine = engine_over<Core>;

public:
  using typename engine::site;
  using engine::deallocate;
  using engine::usable_size;

  /// Effects: frees a block found by its address alone. Null: no effect. Requires: `block` is live.
  void deallocate(void* block) noexcept {
    if constexpr (engine::is_sampled) {
      if (ZMM_UNLIKELY((may_be_sampled<typename Core::options, Core::samples_apart>(block)))) sampled_calls<engine>::forget(block);
    }
    if (ZMM_LIKELY(this->bound_.is_plain())) return this->core().give_found(block);
    deallocate_found(block);
  }

  /// Returns: bytes usable in the live block at `block`; 0 for null.
  [[nodiscard]] std::size_t usable_size(void const* block) const noexcept {
    if (ZMM_UNLIKELY(this->is_watched())) return watched_calls::usable_size(whole(), block);
    return this->core().usable_size(block);
  }

  /// Returns: whether `p` points into memory that this heap has handed out or can hand out. Does not read what `p`
  /// points to. Complexity: O(1); linear in chunks and huge blocks for a pointer deep inside a huge block or outside
  /// the heap.
  [[nodiscard]] bool owns(void const* p) const noexcept {
    if (ZMM_LIKELY(!this->forwards())) return this->core().owns(p);
    auto const* const there = this->watch();
    return there != nullptr && there->owns(p);
  }

  /// Effects: resizes a block, in place if its kind allows, else by moving it; min(old, new) bytes keep their contents.
  /// A null block is allocated. `peak` never counts both places (real_peak does). No limit refuses a smaller size: if
  /// the block has to move to shrink, its new place may pass the limit.
  /// Returns: the block's place. Throws: as allocate(); the block is then unchanged.
  [[nodiscard]] void* reallocate(void* block, std::size_t bytes, std::align_val_t alignment = usual_alignment) {
    return reallocate(block, bytes, unknown_size, static_cast<std::size_t>(alignment));
  }
  /// The same. Other allocators take the old size as a third number, so a plain number may be a mistake: pass
  /// std::align_val_t, or all four arguments.
  [[nodiscard, deprecated(ZMM_REALLOCATE_WITH_THREE)]] void* reallocate(void* block, std::size_t bytes,
                                                                        std::size_t alignment) {
    return reallocate(block, bytes, unknown_size, alignment);
  }
  /// As above, but only the first `copy_bytes` bytes are kept when the block moves.
  [[nodiscard]] void* reallocate(void* block, std::size_t bytes, std::size_t copy_bytes, std::size_t alignment) {
    admission asked;
    void* const place = reallocate_asked(block, bytes, copy_bytes, alignment, asked);
    if (ZMM_UNLIKELY(place == nullptr)) throw_refusal(bytes, asked);
    return place;
  }
  /// As reallocate(), but returns null where that throws; the block is then unchanged.
  [[nodiscard]] void* try_reallocate(void* block, std::size_t bytes,
                                     std::align_val_t alignment = usual_alignment) noexcept {
    return try_reallocate(block, bytes, unknown_size, static_cast<std::size_t>(alignment));
  }
  [[nodiscard]] void* try_reallocate(void* block, std::size_t bytes, std::size_t copy_bytes,
                                     std::size_t alignment) noexcept {
    admission asked;
    return reallocate_asked(block, bytes, copy_bytes, alignment, asked);
  }

protected:
  using engine::engine;
  engine& whole() noexcept { return *this; }
  engine const& whole() const noexcept { return *this; }

  void* reallocate_asked(void* block, std::size_t bytes, std::size_t copied, std::size_t alignment,
                         admission& asked) noexcept;
  /// For an engine that is watched, or whose sampling was switched on.
  ZMM_NOINLINE void deallocate_found(void* block) noexcept {
    if (block == nullptr) return;
    if (this->is_watched()) return watched_calls::deallocate(whole(), block, unknown_size, 1);
    if (auto const* const s = this->sampling()) s->forget(block);
    this->core().give_found(block);
  }
};

template <class Core>
void* address_engine_over<Core>::reallocate_asked(void* block, std::size_t bytes, std::size_t copied,
                                                  std::size_t alignment, admission& asked) noexcept {
  if (block == nullptr) return this->allocate_moved(bytes, alignment, asked);
  if (!is_power_of_two(alignment)) return asked.refuse_address();
  if (ZMM_UNLIKELY(this->is_watched())) return watched_calls::reallocate(whole(), block, bytes, copied, alignment, asked);
  if (bytes == 0) bytes = 1;
  std::size_t const usable = this->core().usable_size(block);
  this->begin(asked);
  void* place = obtain(
      asked, [&](admission& again) { return this->core().resize_or_move(block, bytes, alignment, again); },
      [&] { return this->core().reclaim(); }, [] { return false; });
  if (place != nullptr) {
    if (auto const* const s = this->sampling()) s->resized(whole(), block, place, usable, bytes);
    return place;
  }

  std::size_t const peak = this->core().peak();
  asked = {};
  if (bytes > usable) asked.growth = growth::known;
  place = this->allocate_moved(bytes, alignment, asked);
  if (ZMM_UNLIKELY(place == nullptr)) {
    // Shrinking does not fail at a limit. A block that may be freed with its new size stays where it is. One whose new
    // size would lead its free elsewhere moves, past the limit.
    if (this->core().stay(block, bytes, alignment)) return block;
    if (bytes > usable || asked.why != refusal::limit) return nullptr;
    limit_lift<engine> const lift{*this};
    if ((place = this->allocate_moved(bytes, alignment, asked)) == nullptr) return nullptr;
  }
  if (copied > usable) copied = usable;
  copy_bytes(place, block, copied < bytes ? copied : bytes);
  if (auto const* const s = this->sampling()) s->forget(block);
  this->core().give_found(block);
  this->core().restore_peak(peak);  // without the moment when both places were live
  return place;
}

}}}  // namespace zmm::detail
