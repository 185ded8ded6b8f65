// The part of sampling that every engine has. sampled_calls.hpp has the rest.
#pragma once

#include <zmm/options.hpp>
#include <zmm/base/annotate.hpp>
#include <zmm/base/atomic.hpp>
#include <zmm/base/bits.hpp>
#include <zmm/chunk/admission.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// How the calls of an engine are sampled. One whose options say so knows of it. Others have it from where sampling is switched on,
/// and may have been compiled without a word of it.
template <class Engine> struct sampler {
  /// In place of allocate_asked(). `caller`: where the stack begins.
  void* (*allocate)(Engine& e, std::size_t bytes, std::size_t alignment, typename Engine::site where, admission& asked,
                    void const* caller) noexcept;
  /// Frees a block that the hit path of frees refused. Requires: bytes > 0.
  void (*deallocate)(Engine& e, void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void (*forget)(void const* block) noexcept;  ///< which is about to be freed by its address
  /// A block at `before` of `old` bytes has its place at `now` and `bytes` bytes.
  void (*resized)(Engine& e, void const* before, void* now, std::size_t old, std::size_t bytes) noexcept;
  void (*end)(Engine& e) noexcept;  ///< no block of the engine is live any more
};
template <class Engine> struct sampled_calls;
template <class Engine> struct switched_calls;
struct sampling_switch;
/// Null: no engine of the type was ever switched on.
template <class Engine> ZMM_SHARED inline atomic<sampler<Engine> const*> switched_sampler{nullptr};

/// What a thread counts, and where live samples are.
template <class Options, bool = Options::sample_every != 0> struct sampled_bytes;
template <class Options> struct sampled_bytes<Options, false> {
  static constexpr bool count(std::size_t) noexcept { return false; }
  static constexpr bool is_due(std::size_t) noexcept { return false; }
};
template <class Options> struct sampled_places;

/// Whether sampling of engines of these options may be switched on while the program runs.
template <class Options> inline constexpr bool is_switchable = false;
template <> inline constexpr bool is_switchable<default_options> = !under_sanitizer;

/// Whether a block may be a sampled one, and so is not freed on the hit path. `Apart`: sampled small blocks have a page
/// of their own, as large ones do, so only blocks at the start of a page need a look at the marks, off the hit path.
template <class Options, bool Apart = true>
ZMM_INLINE bool may_be_sampled([[maybe_unused]] void const* block) noexcept {
  if constexpr (Options::sample_every == 0) return false;
  else if constexpr (Apart) return (address_of(block) & (Options::geometry::page_bytes - 1)) == 0;
  else return sampled_places<Options>::may_have(block);
}

/// Whether any live block of the engine may be a sample. A base of engines that are always sampled.
template <bool IsSampled> struct sampled_engine { atomic<bool> has_samples{false}; };
template <> struct sampled_engine<false> {};

/// Called with a pool that ends: blocks of its requests may have been sampled.
ZMM_SHARED inline atomic<void (*)(void const*) noexcept> on_sampled_owner_end{[](void const*) noexcept {}};

}}}  // namespace zmm::detail
