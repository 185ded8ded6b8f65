// The part of sampling that stands on engines' hit paths.
#pragma once

#include <zmm/options.hpp>
#include <zmm/base/atomic.hpp>
#include <zmm/base/bits.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Bytes until the next sample, of those that this thread takes from engines with this mean: it falls on the byte that
/// takes this to 0. Above 0 between calls, except before the first.
template <std::size_t Mean> ZMM_THREAD_LOCAL std::int64_t bytes_to_sample = 0;

/// Effects: counts a block. Returns: false: it is not sampled; true: sample_clock::is_due() knows.
template <class Options> ZMM_INLINE bool reaches_sample([[maybe_unused]] std::size_t bytes) noexcept {
  if constexpr (Options::sample_every == 0) return false;
  else return (bytes_to_sample<Options::sample_every> -= static_cast<std::int64_t>(bytes)) <= 0;
}

/// The calls of a sampled engine, and where live samples are; sampled_calls.hpp and sample_book.hpp have them.
template <class Engine> struct sampled_calls;
template <class Options> struct sampled_places;

/// Whether a block may be a sampled one, and so is not freed on the hit path. `Apart`: sampled small blocks have a page
/// of their own, as large ones do, so only blocks at the start of a page need a look at the marks. A run's first slot
/// is one of these, and may be the one that is taken and freed all day.
template <class Options, bool Apart = true> ZMM_INLINE bool may_be_sampled([[maybe_unused]] void const* block) noexcept {
  if constexpr (Options::sample_every == 0) return false;
  else if (Apart && ZMM_LIKELY((address_of(block) & (Options::geometry::page_bytes - 1)) != 0)) return false;
  else return sampled_places<Options>::may_have(block);
}

/// Whether any live block of the engine may be a sample. A base of engines.
template <bool IsSampled> struct sampled_engine {
  atomic<bool> has_samples{false};
};
template <> struct sampled_engine<false> {};

/// Called with a pool that ends: blocks of its requests may have been sampled.
ZMM_SHARED inline atomic<void (*)(void const*) noexcept> on_sampled_owner_end{[](void const*) noexcept {}};

}}}  // namespace zmm::detail
