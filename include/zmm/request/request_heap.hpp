// The request heap.
#pragma once

#include <zmm/request/request_heap_own.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// Arena of one request: as cheap as bumping a pointer, and what is freed is reused. Small blocks (at most 3072 bytes
/// once rounded up to their alignment, alignment at most 64) are packed into slabs; everything else has pages of its
/// own. Any block can be freed at any time; the end of the request frees them all.
///
/// Footprint of small blocks: at most the sum over bins of each bin's peak, plus: in a request that was seen to free, up
/// to seven blocks carved ahead in a bin of up to 1 KiB, if eight are at most an eighth of what was carved before; the gaps
/// before aligned blocks, 8 bytes, or 56 at 32 and 64; 16 bytes at the start and under 3200 at the end of each slab; and
/// the rest of the open slab, which is no larger than all before it, or is the first one. Memory freed in one bin serves another only in whole slabs: a request of two chunks or more
/// looks for slabs without a live block before it takes more, as often as what it takes pays for the look; smaller ones
/// do so when a limit or storage refuses, or in collect().
///
/// release() ends the request and its children. First the entries that on_end() and create() registered run, a child's
/// before its parent's and the newest first, until none is left anywhere. Meanwhile no limit of the family binds; an
/// entry may allocate and register more in any request of the family, and terminates the program if it throws. Then
/// every block is dropped, and slabs, runs and huge blocks go back to the pool, which keeps them warm. The request and
/// its children are as new and may serve the next request; limits and hooks stay. Ending the request from an entry of
/// its own or of a child, or from a limit hook that was asked on behalf of one of these, goes to the stop handler.
///
/// A limit binds the request and its children; a refusal says whether the limit was the request's, an ancestor's or the
/// pool's. A request without a hook asks the nearest ancestor's. real_size() counts bytes from the pool, children
/// included. collect() gives the pool everything if no block is live, and in large requests slabs without a live block;
/// trim() collects, then trims the pool. visit() reports packed blocks in a debug heap only, for elsewhere they are in
/// no books; it reports slabs, and the newest slab has the figures of all packed blocks of the request.
///
/// Threads: one at a time, the request's parents and children included. May be handed to another thread with the usual
/// happens-before, and ended there. Neither copyable nor movable.
template <class Options> class basic_request_heap : public detail::engine_over<detail::request_heap_own<Options>> {
  using engine = detail::engine_over<detail::request_heap_own<Options>>;
  using decided = typename engine::decided;

public:
  using pool_type = basic_request_pool<typename Options::geometry>;

  /// A request of the process's default pool.
  basic_request_heap() noexcept : basic_request_heap(default_pool<typename Options::geometry>()) {}
  explicit basic_request_heap(pool_type& pool) noexcept : engine(decided{}, pool) {}

  /// A request inside another: takes from the same pool, is charged to `parent` and all its ancestors as well, and is
  /// released when `parent` is. If the parent is destroyed first, the child is empty and stays usable.
  basic_request_heap(within_t, basic_request_heap& parent) noexcept : engine(decided{}, within, parent.core()) {
    this->core().join_family();
  }

  /// A request whose first slab is the caller's buffer, which has to outlive the request (so is declared before it).
  /// The buffer is not charged; nothing is taken from the pool until it is full; release() starts with it again.
  basic_request_heap(void* buffer, std::size_t bytes,
                     pool_type& pool = default_pool<typename Options::geometry>()) noexcept
      : engine(decided{}, buffer, bytes, pool) {
    if (engine::is_always_watched || !this->is_watched()) this->core().open_buffer();
  }

  /// Effects: `f()` is called at the end of the request, before blocks are dropped; newest first.
  /// Throws: as allocate(), and what copying or moving `f` throws; then nothing is registered.
  template <class F> void on_end(F&& f) { this->core().on_end(static_cast<F&&>(f)); }

  /// Effects: allocates a T, together with the entry that destroys it at the end of the request, and calls
  /// construct(place), which builds the T at `place`. Returns: the T.
  /// Throws: as allocate(), and what `construct` throws; then nothing is left behind.
  template <class T, class Construct> T* create_with(Construct construct) {
    return this->core().template create_with<T>(static_cast<Construct&&>(construct));
  }

  pool_type& pool() const noexcept { return this->core().pool(); }
};

}}  // namespace zmm
