// What is kept for each thread: its cache of each heap it has used, and the list of what it leaves at its end.
#pragma once

#include <zmm/storage/mutex.hpp>
#include <zmm/storage/os_storage.hpp>

#include <cstdint>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct thread_record;

/// A node in the list of what a thread holds. Guarded by `thread_members_lock`, except for what only that thread reads.
struct thread_member {
  /// Called when the thread ends, with `leaving` held and no other lock.
  void (*leave)(thread_member*) noexcept = nullptr;
  void* cache_of = nullptr;         ///< the heap
  thread_record* thread = nullptr;  ///< of the thread that holds it; null: none does
  thread_member* next_member = nullptr;
  thread_member** link = nullptr;     ///< the pointer that points here
  mutex leaving{lock_rank::leaving};  ///< held while the thread leaves it; the heap's destructor waits for that
};

/// The entry of every heap that the thread has no cache of. Read as a cache, its lists are empty and have no room: so
/// allocations and frees miss, and need not ask whether there is a cache. Never written to.
struct alignas(64) no_cache_type {
  unsigned char zeros[4096];
};
ZMM_SHARED inline constexpr no_cache_type no_cache{};

/// One for each thread that has a cache of any heap: leads from a heap to the thread's cache of it.
///
/// Most heaps have an *entry of their own* (entry_lease), which holds this thread's cache or no_cache: nothing has to be
/// compared. A heap takes its caches out of every thread's record before its entry can become another heap's. The caches
/// of further heaps are found in a table, by the heap's generation. No other heap of the process ever has the same, so
/// what the table holds of a heap that is gone is never taken for another's, even at the same address.
struct thread_record {
  static constexpr std::size_t own_entries = 500;

  struct table_place {
    std::uint64_t generation;
    void* cache;
  };

  void const* caches[own_entries + 1];  ///< the last one stays no_cache, for heaps without an entry of their own
  thread_member* members = nullptr;
  std::size_t member_count = 0;
  table_place* table =
      nullptr;  ///< of heaps without an entry, at generation % table_places; a heap may overwrite another's place
  std::size_t table_places = 0;  ///< 0 or a power of two
  thread_record* next_free = nullptr;
  void const* hidden = nullptr;  ///< the cache of the process's heap, while its entry says no_cache so that all calls miss
  char const* label = nullptr;  ///< what the thread is doing: watch/label.hpp
  host::thread_number number = 0;  ///< of its thread; 0: none. Guarded by thread_members_lock.

  constexpr thread_record() noexcept : caches{} {
    for (void const*& cache : caches) cache = &no_cache;
  }

  /// Requires: thread_members_lock is held.
  void add(thread_member* m) noexcept {
    m->thread = this;
    m->next_member = members;
    m->link = &members;
    if (members != nullptr) members->link = &m->next_member;
    members = m;
    ++member_count;
  }
  /// Requires: thread_members_lock is held; m->thread is not null.
  static void remove(thread_member* m) noexcept {
    if (m->next_member != nullptr) m->next_member->link = m->link;
    *m->link = m->next_member;
    --m->thread->member_count;
    m->thread = nullptr;
  }

  /// Returns: the cache of the heap with this generation; null: the table does not have it.
  void* find(std::uint64_t generation) const noexcept {
    if (table_places == 0) return nullptr;
    table_place const& at = table[generation & (table_places - 1)];
    return at.generation == generation ? at.cache : nullptr;
  }
  /// Effects: enters the cache into the table, if there is memory for one. Its own thread only.
  void note(std::uint64_t generation, void* cache) noexcept {
    if (2 * member_count >= table_places) grow_table();
    if (table_places != 0) table[generation & (table_places - 1)] = {generation, cache};
  }

  /// Effects: as new. Requires: no members.
  void forget() noexcept {
    drop_table();
    label = nullptr;
    hidden = nullptr;
    for (void const*& cache : caches) cache = &no_cache;
  }

private:
  void grow_table() noexcept {
    std::size_t const bytes = align_up(4 * (member_count + 8) * sizeof(table_place), os_page_size());
    std::size_t const places = std::size_t{1} << highest_bit(bytes / sizeof(table_place));
    void* const room = os_storage().allocate(bytes, os_page_size(), bytes);
    if (room == nullptr) return;
    auto* const fresh = static_cast<table_place*>(room);
    for (std::size_t i = 0; i < places; ++i) fresh[i] = {};
    for (std::size_t i = 0; i < table_places; ++i) {
      if (table[i].generation != 0) fresh[table[i].generation & (places - 1)] = table[i];
    }
    drop_table();
    table = fresh;
    table_places = places;
    table_bytes_ = bytes;
  }
  void drop_table() noexcept {
    if (table != nullptr) os_storage().deallocate(table, table_bytes_, table_bytes_);
    table = nullptr;
    table_places = 0;
  }

  std::size_t table_bytes_ = 0;
};
static_assert(sizeof(thread_record) <= 4096, "a record is a page");

/// The record of threads that have none of their own. Never written to.
ZMM_SHARED inline constexpr thread_record no_record{};

/// All that zmm keeps, apart from held_locks, in static TLS: the part of a thread's memory that is reached without a call. It is
/// scarce: shared objects that are loaded late find some two hundred words there in all, and each may have a copy of zmm. So
/// all else that is kept for a thread lies in its record.
struct thread_locals {
  thread_record* record = const_cast<thread_record*>(&no_record);
  std::uint32_t magazine = 0;  ///< of request pools: request/home_magazine.hpp
};
ZMM_THREAD_LOCAL thread_locals own_thread{};

/// Held while lists of members change, and across a fork.
ZMM_SHARED ZMM_CONSTINIT inline mutex thread_members_lock{lock_rank::members};
/// Records of threads that have ended. Guarded by thread_members_lock. At most as many as threads ever lived at a time.
ZMM_SHARED inline thread_record* free_records = nullptr;

}}}  // namespace zmm::detail
