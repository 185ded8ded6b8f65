// Stacks of calls, each kept once for as long as the program runs.
#pragma once

#include <zmm/base/system_kinds.hpp>
#include <zmm/watch/block_table.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Places that calls return to, the innermost first.
struct call_stack {
  call_stack* next;  ///< in the same list of the store
  std::size_t depth;
  std::uint64_t hash;

  std::uintptr_t const* frames() const noexcept { return reinterpret_cast<std::uintptr_t const*>(this + 1); }
};

/// Whether the thread is walking its stack at present.
ZMM_THREAD_LOCAL bool is_walking_stack = false;

/// A stack as it is found.
struct walked_stack {
  static constexpr std::size_t most = 48;  ///< frames that are kept; outer ones are not
  std::uintptr_t frames[most];
  std::size_t depth = 0;

  walked_stack() noexcept = default;
  /// Effects: walks the stack of this call, which takes a few microseconds. Leaves out the frames inside the one that
  /// returns to `caller`, and `more` others. Empty where the system has no unwinder, and in a call from the unwinder: it
  /// may call malloc, under a lock of its own.
  ZMM_COLD static walked_stack from(void const* caller, std::size_t more = 0) noexcept {
    walked_stack s;
    if (is_walking_stack) return s;
    is_walking_stack = true;
    s.depth = host_kinds::walk_stack(s.frames, most);
    is_walking_stack = false;
    std::size_t inner = 0;
    while (inner < s.depth && s.frames[inner] != address_of(caller)) ++inner;
    if (inner == s.depth) return s;  // no frame returns to `caller`: all are kept
    inner = inner + more < s.depth ? inner + more : s.depth - 1;
    s.depth -= inner;
    for (std::size_t i = 0; i < s.depth; ++i) s.frames[i] = s.frames[i + inner];
    return s;
  }
  std::uint64_t hash() const noexcept {
    std::uint64_t h = depth;
    for (std::size_t i = 0; i < depth; ++i) {
      h = (h ^ frames[i]) * 0x9E3779B97F4A7C15U;
      h ^= h >> 29;
    }
    return h;
  }
};

/// Keeps stacks in memory of the operating system's, which it never gives back: so a pointer to one may be read through
/// without a lock, even after the end of the heap. Constant-initialised. One thread at a time.
class stack_store {
public:
  /// Returns: the stack that is kept; null: it is empty, or there is no memory.
  call_stack const* keep(walked_stack const& found) noexcept {
    if (found.depth == 0) return nullptr;
    std::uint64_t const hash = found.hash();
    call_stack*& first = first_[hash % lists];
    for (call_stack* s = first; s != nullptr; s = s->next) {
      if (s->hash == hash && is_same(*s, found)) return s;
    }
    void* const room = take(sizeof(call_stack) + found.depth * sizeof(std::uintptr_t));
    if (room == nullptr) return nullptr;
    first = ::new (room) call_stack{first, found.depth, hash};
    auto* const frames = reinterpret_cast<std::uintptr_t*>(first + 1);
    for (std::size_t i = 0; i < found.depth; ++i) frames[i] = found.frames[i];
    return first;
  }

private:
  static constexpr std::size_t lists = 1024, block_bytes = std::size_t{64} << 10;

  static bool is_same(call_stack const& s, walked_stack const& found) noexcept {
    bool same = s.depth == found.depth;
    for (std::size_t i = 0; same && i < found.depth; ++i) same = s.frames()[i] == found.frames[i];
    return same;
  }
  void* take(std::size_t bytes) noexcept {
    if (bytes > left_) {
      std::size_t const block = align_up(block_bytes, os_page_size());
      auto* const fresh = static_cast<char*>(os_storage().allocate(block, os_page_size(), block));
      if (fresh == nullptr) return nullptr;
      free_ = fresh;
      left_ = block;
    }
    char* const room = free_;
    free_ += align_up(bytes, alignof(call_stack));
    left_ -= align_up(bytes, alignof(call_stack));
    return room;
  }

  call_stack* first_[lists] = {};
  char* free_ = nullptr;
  std::size_t left_ = 0;
};

}}}  // namespace zmm::detail
