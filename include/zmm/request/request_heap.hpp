// The request heap.
#pragma once

#include <zmm/request/request_heap_own.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// Arena of one request: as cheap as bumping a pointer, and what is freed is reused. Small blocks (at most 3072 bytes
/// once rounded up to their alignment, alignment at most 64) are packed into slabs; everything else has pages of its
/// own. Any block can be freed at any time; the end of the request frees them all.
///
/// Footprint of small blocks: at most the sum over bins of each bin's peak, and besides: up to seven blocks carved
/// ahead in a bin of up to 1 KiB that had 32 or more; the gaps before aligned blocks, 8 bytes, or 56 at 32 and 64; 16
/// bytes at the start and under 3200 at the end of each slab; and the rest of the open slab, which is no larger than
/// all before it, or is the first one. Bins share what they freed by whole slabs only: a request of two chunks or more looks
/// for slabs without a live block before it takes more, as far as what it takes pays for the look; smaller ones do so
/// when a limit or storage refuses, or in collect().
///
/// release() ends the request and its children. First what on_end() and create() registered runs, a child's before its
/// parent's and the newest first, until none is left anywhere, while no limit of the family binds; it may allocate and
/// register more in any request of the family, and what throws terminates. Then every block is dropped, and slabs, runs
/// and huge blocks go back to the pool, which keeps them warm. The objects are as new and may serve the next request; limits and
/// hooks stay. No entry of its own or of a child may be running, and no limit hook that was asked for its sake or a child's: what
/// ends the request there goes to the stop handler.
///
/// A limit binds the request and its children; a refusal's is that of the request, of an ancestor or of the pool. A request
/// without a hook asks the nearest ancestor's. real_size() counts bytes from the pool, children included. collect() gives the
/// pool what has no live block: all, or, of large requests, slabs; trim() lets the pool give back what nobody needs. visit():
/// packed blocks have no books but in a debug heap; their slabs are told of, with figures of the whole request in the newest.
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
  /// released when `parent` is. After a parent that is destroyed first it stays empty and usable.
  basic_request_heap(within_t, basic_request_heap& parent) noexcept : engine(decided{}, within, parent.core()) {
    this->core().join_family();
  }

  /// A request whose first slab is the caller's buffer, which outlives it (so is declared before it). The buffer is not
  /// charged; nothing is taken from the pool until it is full; release() starts with it again.
  basic_request_heap(void* buffer, std::size_t bytes,
                     pool_type& pool = default_pool<typename Options::geometry>()) noexcept
      : engine(decided{}, buffer, bytes, pool) {
    if (engine::is_always_watched || !this->is_watched()) this->core().open_buffer();
  }

  /// Effects: `f()` is called at the end of the request, before blocks are dropped; newest first.
  /// Throws: as allocate(), and what copying or moving `f` throws; then nothing is registered.
  template <class F> void on_end(F&& f) { this->core().on_end(static_cast<F&&>(f)); }

  /// Effects: allocates a T together with what its destruction at the end of the request takes, and calls
  /// construct(place), which builds the T at `place`. Returns: the T.
  /// Throws: as allocate(), and what `construct` throws; then nothing is left behind.
  template <class T, class Construct> T* create_with(Construct construct) {
    return this->core().template create_with<T>(static_cast<Construct&&>(construct));
  }

  pool_type& pool() const noexcept { return this->core().pool(); }
};

}}  // namespace zmm
