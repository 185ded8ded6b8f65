// A system that tests control, in place of those that tests cannot run on: base/system/bare.hpp says what it has to do.
// It counts what is mapped, in an arena of real memory, checks that its users keep the rules of the system it stands for,
// and misaligns and refuses on demand. One thread.
#pragma once
#include <zmm/base/system/grown_memory.hpp>
#include <zmm/storage/mapped_storage.hpp>
#include <sys/mman.h>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>

namespace zmm_test {

/// The differences between systems, as their files in base/system/ have them.
struct like_linux { static constexpr bool parts = true, hints = true, aligned = false, reserves = true, grows = true, moves = true; };
struct like_macos { static constexpr bool parts = true, hints = true, aligned = true, reserves = true, grows = true, moves = false; };
struct like_freebsd : like_macos {};
struct like_windows { static constexpr bool parts = false, hints = false, aligned = true, reserves = true, grows = false, moves = false; };
struct like_old_windows { static constexpr bool parts = false, hints = false, aligned = false, reserves = true, grows = false, moves = false; };
struct like_plain_posix { static constexpr bool parts = true, hints = false, aligned = false, reserves = true, grows = false, moves = false; };
struct like_no_reserves { static constexpr bool parts = true, hints = false, aligned = true, reserves = false, grows = false, moves = false; };

/// Sets the page size while it lives.
class pages_of {
public:
  explicit pages_of(std::size_t bytes) : before_(zmm::os_page_size()) { zmm::detail::known_page_size.store(bytes); }
  ~pages_of() { zmm::detail::known_page_size.store(before_); }
  pages_of(pages_of const&) = delete;
  pages_of& operator=(pages_of const&) = delete;

private:
  std::size_t before_;
};

// The addresses of all fake systems, of which one is in use at a time: a test begins with reset(). Each with its own would
// take most of what a process on a machine of 32 bits has.
constexpr std::size_t fake_arena_bytes = std::size_t{1} << (sizeof(void*) == 8 ? 31 : 28);
inline void* map_fake_arena(void* at, int flags) {
  return ::mmap(at, fake_arena_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
}
inline void* fake_arena() {
  static void* const arena = map_fake_arena(nullptr, 0);
  return arena;
}

template <class Like> struct fake_system : zmm::detail::bare_system {
  using access = zmm::detail::page_access;
  static constexpr bool frees_parts = Like::parts, has_reserves = Like::reserves, takes_hints = Like::hints,
                        maps_aligned = Like::aligned;

  // ---- settings and records
  struct state {
    unsigned misalign = 0, refuse_map = 0, refuse_open = 0, refuse_unmap = 0, refuse_move = 0;  ///< one call in so many; 0: none
    unsigned moves_lose_place = 0;  ///< a refused move has unmapped the place
    std::size_t maps = 0, maps_aligned = 0, unmaps = 0, opens = 0, closes = 0, purges = 0, grows = 0, moves = 0;  ///< calls
    std::string broken;  ///< the first rule that a caller broke
    std::map<std::uintptr_t, std::size_t> mappings;  ///< start, bytes; as they were mapped
    std::map<std::uintptr_t, std::size_t> open;      ///< pages that may be written, by the system's page
    std::size_t mapped = 0;                          ///< bytes
    std::size_t calls = 0;
  };
  static state& now() {
    static state s;
    return s;
  }
  static void reset() {
    map_fake_arena(fake_arena(), MAP_FIXED);  // as unused as at first
    now() = state{};
  }

  // ---- the system
  static std::size_t page_size() noexcept { return zmm::os_page_size(); }
  static void* map(void* hint, std::size_t bytes, access a) noexcept {
    ++now().maps;
    rule(bytes != 0 && bytes % page_size() == 0, "whole pages are mapped");
    if (says(now().refuse_map)) return nullptr;
    std::uintptr_t place = zmm::detail::address_of(hint);
    if (!takes_hints || place == 0 || place % page_size() != 0 || !is_free(place, bytes)) place = highest(bytes, page_size());
    if (says(now().misalign) && place > first() + page_size()) place = is_free(place - page_size(), bytes) ? place - page_size() : place;
    return add(place, bytes, a);
  }
  static void* map_aligned(std::size_t bytes, std::size_t alignment, access a) noexcept {
    ++now().maps_aligned;
    if (says(now().refuse_map)) return nullptr;
    if (says(now().misalign)) return map(nullptr, bytes, a);
    return add(highest(bytes, alignment > page_size() ? alignment : page_size()), bytes, a);
  }
  static bool unmap(void* p, std::size_t bytes) noexcept {
    ++now().unmaps;
    std::uintptr_t start = zmm::detail::address_of(p);
    if (says(now().refuse_unmap)) return false;
    if constexpr (!frees_parts) {  // all that p lies in
      auto m = now().mappings.upper_bound(start);
      if (m == now().mappings.begin()) return rule(false, "what is unmapped was mapped");
      --m;
      if (start >= m->first + m->second) return rule(false, "what is unmapped was mapped");
      start = m->first;
      bytes = m->second;
    }
    rule(bytes % page_size() == 0 && start % page_size() == 0, "whole pages are unmapped");
    if (!rule(is_mapped(start, bytes), "what is unmapped was mapped")) return false;
    remove(start, bytes);
    return true;
  }
  static bool open(void* p, std::size_t bytes) noexcept {
    ++now().opens;
    if (!rule(is_mapped(zmm::detail::address_of(p), bytes), "what is opened is reserved")) return false;
    if (says(now().refuse_open)) return false;
    set(zmm::detail::address_of(p), bytes, true);
    return true;
  }
  static bool close(void* p, std::size_t bytes) noexcept {
    if (!has_reserves) return false;
    ++now().closes;
    if (!rule(is_mapped(zmm::detail::address_of(p), bytes), "what is closed is mapped")) return false;
    set(zmm::detail::address_of(p), bytes, false);
    return true;
  }
  static bool purge(void* p, std::size_t bytes) noexcept {
    ++now().purges;
    rule(zmm::detail::address_of(p) % page_size() == 0 && bytes % page_size() == 0, "whole pages are purged");
    if (!rule(is_open(zmm::detail::address_of(p), bytes), "what is purged can be written")) return false;
    std::memset(p, 0xD5, bytes);
    return true;
  }
  static bool drop(void* p, std::size_t bytes) noexcept { return is_open(zmm::detail::address_of(p), bytes) && purge(p, bytes); }

  static bool grow(void* block, std::size_t from, std::size_t to) noexcept {
    ++now().grows;
    std::uintptr_t const end = zmm::detail::address_of(block) + from;
    if (!Like::grows || to <= from || !is_free(end, to - from) || says(now().refuse_map)) return false;
    return add(end, to - from, access::write) != nullptr;
  }
  static resized resize(void* block, std::size_t from, std::size_t to) noexcept {
    if (!Like::moves) return resized::no;
    return grow(block, from, to) ? resized::yes : resized::by_moving_only;
  }
  static bool move_to(void* place, void* block, std::size_t from, std::size_t to) noexcept {
    ++now().moves;
    rule(Like::moves && is_mapped(zmm::detail::address_of(place), to), "pages are moved to a place that was mapped");
    if (says(now().refuse_move)) {
      if (says(now().moves_lose_place)) remove(zmm::detail::address_of(place), to);
      return false;
    }
    set(zmm::detail::address_of(place), to, true);
    std::memcpy(place, block, from < to ? from : to);
    remove(zmm::detail::address_of(block), from);
    return true;
  }
  static bool peek(void const* from, void* to, std::size_t bytes) noexcept {
    if (!is_open(zmm::detail::address_of(from), bytes)) return false;
    std::memcpy(to, from, bytes);
    return true;
  }

private:
  static void* at(std::uintptr_t address) { return reinterpret_cast<void*>(address); }
  static std::uintptr_t first() { return zmm::detail::align_up(zmm::detail::address_of(fake_arena()), 65536); }
  static std::uintptr_t last() { return first() + fake_arena_bytes - 65536; }

  static bool says(unsigned one_in) { return one_in != 0 && ++now().calls * 2654435761U % 4294967296U / 65536 % one_in == 0; }
  static bool rule(bool holds, char const* what) {
    if (!holds && now().broken.empty()) now().broken = what;
    return holds;
  }

  static bool is_free(std::uintptr_t start, std::size_t bytes) {
    if (start < first() || bytes > fake_arena_bytes || start + bytes > last()) return false;
    auto next = now().mappings.lower_bound(start);
    if (next != now().mappings.end() && next->first < start + bytes) return false;
    return next == now().mappings.begin() || (--next, next->first + next->second <= start);
  }
  static bool is_mapped(std::uintptr_t start, std::size_t bytes) {
    std::uintptr_t const end = start + bytes;
    auto m = now().mappings.upper_bound(start);
    if (m == now().mappings.begin()) return false;
    for (--m; m != now().mappings.end() && m->first <= start && start < m->first + m->second; ++m) {
      start = m->first + m->second;
      if (start >= end) return true;
    }
    return false;
  }
  static bool is_open(std::uintptr_t start, std::size_t bytes) {
    start = zmm::detail::align_down(start, page_size());
    for (std::uintptr_t p = start; p < start + bytes; p += page_size())
      if (now().open.count(p) == 0) return false;
    return true;
  }
  /// The highest gap, which Linux would take; 0: none.
  static std::uintptr_t highest(std::size_t bytes, std::size_t alignment) {
    if (bytes > fake_arena_bytes) return 0;
    std::uintptr_t end = last();
    for (auto m = now().mappings.rbegin();; ++m) {
      std::uintptr_t const begin = m != now().mappings.rend() ? m->first + m->second : first();
      if (end >= begin + bytes && zmm::detail::align_down(end - bytes, alignment) >= begin)
        return zmm::detail::align_down(end - bytes, alignment);
      if (m == now().mappings.rend()) return 0;
      end = m->first;
    }
  }
  static void* add(std::uintptr_t start, std::size_t bytes, access a) {
    if (start == 0) return nullptr;
    now().mappings[start] = bytes;
    now().mapped += bytes;
    set(start, bytes, a == access::write);
    return at(start);
  }
  static void remove(std::uintptr_t start, std::size_t bytes) {
    set(start, bytes, false);
    now().mapped -= bytes;
    std::uintptr_t const end = start + bytes;
    auto m = now().mappings.upper_bound(start);
    --m;
    while (m != now().mappings.end() && m->first < end) {
      std::uintptr_t const from = m->first, to = m->first + m->second;
      m = now().mappings.erase(m);
      if (from < start) now().mappings[from] = start - from;
      if (to > end) now().mappings[end] = to - end;
    }
  }
  static void set(std::uintptr_t start, std::size_t bytes, bool is_open) {
    ::mprotect(at(start), bytes, is_open ? PROT_READ | PROT_WRITE : PROT_NONE);
    if (!is_open) ::madvise(at(start), bytes, MADV_DONTNEED);
    for (std::uintptr_t p = start; p < start + bytes; p += page_size()) {
      if (is_open) now().open[p] = 1; else now().open.erase(p);
    }
  }
};

template <class Like> class fake_storage_type final : public zmm::detail::mapped_storage<fake_system<Like>> {
public:
  using zmm::detail::mapped_storage<fake_system<Like>>::mapped_storage;
};

// Unmaps the leftovers: each unmapping that succeeds offers two of them to the system again.
template <class Like> void settle() {
  using system = fake_system<Like>;
  system::now().misalign = system::now().refuse_map = system::now().refuse_unmap = system::now().refuse_open = 0;
  fake_storage_type<Like> other;
  for (int i = 0; i < 1000 && !zmm::detail::os_leftovers.empty(); ++i) {
    void* const p = other.allocate(zmm::os_page_size(), zmm::os_page_size(), zmm::os_page_size());
    if (p != nullptr) other.deallocate(p, zmm::os_page_size(), zmm::os_page_size());
  }
}

}  // namespace zmm_test
