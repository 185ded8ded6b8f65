// The segment heap: Zend's older generation, for one thread at a time.
#pragma once

#include <zmm/segment/segment_core.hpp>
#include <zmm/storage/os_storage.hpp>
#include <zmm/watch/address_engine_over.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// For long-lived data of mixed sizes, for many small heaps, and where there are no aligned mappings: in a buffer, in
/// somebody's malloc. A block takes its size and eight bytes, rounded up to 16, and at least 32; free neighbours are
/// joined. Segments of Options::segment_bytes (256 KiB), or less where there is less, come from any storage; a larger
/// block has a segment of its own, which storage lengthens, shortens and moves. The heap owns no segment until the
/// first allocation.
///
/// A small block that is freed waits in a cache for another of its size; else it is joined with what is free beside it. A
/// request is served from the cache, then from `free_buckets` (free blocks of exactly its size, if that is small, or the
/// next one that has some), from `large_free_buckets` (the best fit), from `rest_buckets` (what was left of blocks that
/// were cut), from a new segment. No call takes time that grows with the number of blocks, except those that say so. An
/// empty segment is kept. Other empty segments, and those of large blocks, go back to storage, unless such segments
/// were soon needed again before: then some are kept, count against the limit, and go back when they were not used for
/// long. 8 KiB are set aside for when memory runs out.
///
/// Blocks can grow in place at both ends. collect() joins what the cache holds and gives empty segments back; trim() also
/// gives back the pages inside large free blocks; release() keeps the first segment of usual size.
///
/// Threads: one at a time. May be handed to another thread with the usual happens-before.
/// Neither copyable nor movable.
template <class Options> class basic_segment_heap : public detail::address_engine_over<detail::segment_core<Options>> {
  using engine = detail::address_engine_over<detail::segment_core<Options>>;

public:
  static constexpr std::size_t slot_limit = 0;  ///< frees find a block's size by its address, so it may have any

  basic_segment_heap() noexcept : basic_segment_heap(os_storage()) {}
  explicit basic_segment_heap(storage& from) noexcept : engine(typename engine::decided{}, from) {}

  /// Effects: makes the block hold at least `min_bytes`, better `preferred_bytes`, by moving its start to a lower
  /// address, by a multiple of `unit`; its end may move to a higher one. What lies between the old start and the old
  /// end stays where it is. Returns: the new start; null: refused, and nothing changed.
  [[nodiscard]] void* grow_backward(void* block, std::size_t min_bytes, std::size_t preferred_bytes,
                                    std::size_t unit) noexcept {
    if (ZMM_UNLIKELY(this->is_watched())) return nullptr;  // a watched block never grows
    return this->core().grow_backward(block, min_bytes, preferred_bytes, unit);
  }
};

}}  // namespace zmm
