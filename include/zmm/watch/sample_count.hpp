// The part of sampling that stands on engines' hit paths.
#pragma once

#include <zmm/options.hpp>
#include <zmm/base/atomic.hpp>
#include <zmm/base/bits.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// How far it is to the next sample, for one thread.
struct sample_countdown {
  std::uint64_t left = 0;   ///< bytes in front of it; what has passed it is below 0
  bool is_drawn = false;    ///< whether there is a next sample yet
};
/// Of the bytes that this thread takes from engines with this mean.
template <std::size_t Mean> ZMM_THREAD_LOCAL sample_countdown bytes_to_sample{};

/// Effects: counts a block. Returns: false: it is not sampled; true: sample_clock::is_due() knows, and has to be asked
/// before the thread counts another one. Three instructions, of which two touch memory; so it comes before all else of a call,
/// which then needs no register for it.
template <class Options> ZMM_INLINE bool reaches_sample([[maybe_unused]] std::size_t bytes) noexcept {
  if constexpr (Options::sample_every == 0) return false;
  else {
    return static_cast<std::int64_t>(bytes_to_sample<Options::sample_every>.left -= bytes) < 0;
  }
}
/// Whether reaches_sample() was true of the block of `bytes` that this thread takes now; or it is so large that there is no such
/// block, and the count is of no use any more.
template <class Options> bool is_sample_due([[maybe_unused]] std::size_t bytes) noexcept {
  if constexpr (Options::sample_every == 0) return false;
  else return static_cast<std::int64_t>(bytes_to_sample<Options::sample_every>.left | bytes) < 0;
}

/// The calls of a sampled engine, and where live samples are; sampled_calls.hpp and sample_book.hpp have them.
template <class Engine> struct sampled_calls;
template <class Options> struct sampled_places;

/// Whether a block may be a sampled one, and so is not freed on the hit path. `Apart`: sampled small blocks have a page
/// of their own, as large ones do, so only blocks at the start of a page need a look at the marks, off the hit path.
template <class Options, bool Apart = true> ZMM_INLINE bool may_be_sampled([[maybe_unused]] void const* block) noexcept {
  if constexpr (Options::sample_every == 0) return false;
  else if constexpr (Apart) return (address_of(block) & (Options::geometry::page_bytes - 1)) == 0;
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
