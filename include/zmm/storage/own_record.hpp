// What each thread knows: its cache of each heap it has worked in, and that it leaves them when it ends.
#pragma once

#include <zmm/storage/mutex.hpp>
#include <zmm/storage/os_storage.hpp>

#include <cstdint>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct thread_record;

/// A node in the list of what a thread holds. Guarded by `thread_members_lock`, but for what only the holder looks at.
struct thread_member {
  /// Called when the thread ends, with `leaving` held and no other lock.
  void (*leave)(thread_member*) noexcept = nullptr;
  void* cache_of = nullptr;         ///< the heap
  thread_record* thread = nullptr;  ///< who holds it; null: nobody
  thread_member* next_member = nullptr;
  thread_member** link = nullptr;     ///< the place that points here
  mutex leaving{lock_rank::leaving};  ///< held while the thread leaves it: its heap waits for that before it ends
};

/// Stands in every record where the thread has no cache: read as one, its lists are empty and have no room, so that an
/// allocation and a free miss without having asked whether there is a cache. Nobody writes to it.
struct alignas(64) no_cache_type {
  unsigned char zeros[4096];
};
ZMM_SHARED inline constexpr no_cache_type no_cache{};

/// One for each thread that has a cache of any heap: what leads from a heap to the thread's cache of it.
///
/// Most heaps have an *entry of their own* (entry_lease), which holds this thread's cache or no_cache: nothing else has to
/// be compared. A heap that ends takes its caches out of every thread's record before its entry can be another's. Heaps
/// beyond those are found in a table by their generation: no other heap of the process ever has it, so what the table says
/// of a heap that is gone is never mistaken for another's, wherever that lies.
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
      nullptr;  ///< of heaps without an entry, at generation % table_places; a place may be lost to another
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

  /// The cache of the heap with this generation, as far as the table tells.
  void* find(std::uint64_t generation) const noexcept {
    if (table_places == 0) return nullptr;
    table_place const& at = table[generation & (table_places - 1)];
    return at.generation == generation ? at.cache : nullptr;
  }
  /// Effects: the table tells of it, if there is memory for one. Its own thread only.
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

/// The record of threads that have none. Nobody writes to it.
ZMM_SHARED inline constexpr thread_record no_record{};

/// All that zmm keeps, besides held_locks, in the scarce part of each thread's memory that is reached without a call. Shared
/// objects that are loaded late find room for some two hundred such words in all, and each may have a copy of zmm: whatever else
/// is known of a thread lies in its record.
struct thread_locals {
  thread_record* record = const_cast<thread_record*>(&no_record);
  std::uint32_t magazine = 0;  ///< of request pools: request/home_magazine.hpp
};
ZMM_THREAD_LOCAL thread_locals own_thread{};

/// Held while lists of members change, and across a fork.
ZMM_SHARED ZMM_CONSTINIT inline mutex thread_members_lock{lock_rank::members};
/// Records of threads that have ended. Guarded by thread_members_lock. They are few: as many as threads ever were at a time.
ZMM_SHARED inline thread_record* free_records = nullptr;

}}}  // namespace zmm::detail
