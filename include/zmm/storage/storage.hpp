// Floor 1: storage, where chunks come from. Includes floor 0 only.
//
// The whole contract between a heap and what gives it memory.
#pragma once

#include <zmm/fwd.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// A source of chunks and huge blocks. Heaps refer to a storage and never own it: it outlives them.
///
/// Units: every size and offset is in bytes and a multiple of the operating system's page (os_page_size(), 4 to 64
/// KiB); alignments are powers of two. A *block* is what one allocate() returned; its first `bytes` are usable, the
/// rest of its `reserve` is address space that only extend() makes usable. A storage without reserves may treat `reserve`
/// as `bytes` and refuse to extend.
///
/// Threads: a storage used by one heap is called by that heap's thread only. os_storage() and the others that are
/// functions may be used by any number of heaps and threads at once; a storage of your own that is shared between
/// threads must allow for it.
///
/// Members never throw. A storage whose upstream throws catches that and returns null.
class storage {
protected:
  ~storage() = default;  // never destroyed through the base: a storage may be constant-initialised and immortal

public:
  storage() = default;
  storage(storage const&) = delete;
  storage& operator=(storage const&) = delete;

  /// Effects: obtains a block. Contents are unspecified.
  /// Requires: bytes > 0; reserve >= bytes. With reserve == bytes + one OS page, the last page is a guard page:
  /// inaccessible, where the storage can do that.
  /// Returns: the block, aligned to `alignment`, or null for "no memory".
  virtual void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) = 0;

  /// Effects: takes a block back, its whole reserve included.
  /// Requires: `bytes` is the block's current size (after extend, truncate, move), `reserve` what it was allocated
  /// with, or `bytes` if that is more by now.
  virtual void deallocate(void* block, std::size_t bytes, std::size_t reserve) noexcept = 0;

  /// Effects: makes [from, to) of the block usable, in place. Contents of the new part are unspecified.
  /// Requires: from is the block's current size; from < to. Past the reserve a storage may refuse.
  /// Returns: whether it did; false leaves the block as it was. The default refuses.
  virtual bool extend(void* /*block*/, std::size_t /*from*/, std::size_t /*to*/) noexcept { return false; }

  /// Effects: takes the tail [to, from) of the block back; `to` is the block's size from then on, and its reserve. But a
  /// reserve beyond `from` stays, and extend() may make the tail usable again.
  /// Requires: 0 < to < from, the block's current size.
  /// Returns: whether it did; false leaves the block as it was. The default refuses.
  virtual bool truncate(void* /*block*/, std::size_t /*from*/, std::size_t /*to*/) noexcept { return false; }

  /// Effects: gives back the memory of [p, p + bytes), a part of a block; the addresses stay usable. Contents are
  /// unspecified afterwards.
  /// Returns: whether it did. The default refuses.
  virtual bool purge(void* /*p*/, std::size_t /*bytes*/) noexcept { return false; }

  /// Effects: resizes the block from `from` to `to` bytes; moves it if needed, without copying. The first
  /// min(from, to) bytes keep their contents.
  /// Requires: the block has no reserve beyond `from`.
  /// Returns: the block's new place, aligned to `alignment`; null leaves it as it was. The default refuses.
  virtual void* move(void* /*block*/, std::size_t /*from*/, std::size_t /*to*/, std::size_t /*alignment*/) noexcept {
    return nullptr;
  }
};

}}  // namespace zmm
