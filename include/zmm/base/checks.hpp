// How zmm stops: one handler for broken invariants and misuse.
#pragma once

#include <zmm/base/held_locks.hpp>
#include <zmm/base/system.hpp>

#include <zmm/base/atomic.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// The argument of a stop handler.
struct stop_info {
  char const* what;            ///< the broken rule, by name; a string literal
  void const* address;         ///< the block, chunk or slab it was found at; may be null
  void const* heap;            ///< the engine it belongs to; may be null
  std::size_t slot_bytes = 0;  ///< of a block: the bytes of its slot; 0: none, or not known
  void const* run = nullptr;   ///< of a block in a run of slots: the start of the run; may be null

  // Of a block of a debug heap, which knows where it was allocated.
  std::size_t block_bytes = 0;  ///< the size asked for
  char const* file = nullptr;
  unsigned line = 0;
  char const* label = nullptr;
};

/// Called when zmm has to stop, in a thread that holds no lock of zmm: it may log, also through zmm, jump out or exit. If it
/// returns, the program aborts.
using stop_handler = void (*)(stop_info const&) noexcept;

namespace detail {
ZMM_SHARED inline detail::atomic<stop_handler> current_stop_handler{nullptr};

/// Writes one line to stderr. Neither it nor the functions of the C library that it calls allocate.
ZMM_COLD inline void print([[maybe_unused]] stop_info const& info) noexcept {
  if constexpr (!host::tells) return;  // there is no stderr
  char where[400] = "";
  if (info.run != nullptr)
    __builtin_snprintf(where, sizeof where, ", slot of %" ZMM_SIZE " bytes in the run at %p", info.slot_bytes,
                       info.run);
  else if (info.slot_bytes != 0)
    __builtin_snprintf(where, sizeof where, ", slot of %" ZMM_SIZE " bytes", info.slot_bytes);
  else if (info.file != nullptr)
    __builtin_snprintf(where, sizeof where, ", %" ZMM_SIZE " bytes allocated at %s:%u%s%s", info.block_bytes, info.file,
                       info.line, info.label != nullptr ? " in " : "", info.label != nullptr ? info.label : "");
  else if (info.block_bytes != 0)
    __builtin_snprintf(where, sizeof where, ", %" ZMM_SIZE " bytes%s%s", info.block_bytes,
                       info.label != nullptr ? " allocated in " : "", info.label != nullptr ? info.label : "");
  char line[600];
  int const length = __builtin_snprintf(line, sizeof line, "zmm: %s (address %p%s, heap %p)\n", info.what, info.address,
                                        where, info.heap);
  std::size_t const bytes =
      static_cast<std::size_t>(length) < sizeof line ? static_cast<std::size_t>(length) : sizeof line - 1;
  line[bytes - 1] = '\n';
  host::tell(line, bytes);
}

/// Releases this thread's locks, calls the stop handler (by default: one line on stderr) and aborts.
[[noreturn]] ZMM_COLD inline void stop(stop_info const& info) noexcept {
  let_go_of_all_locks();
  stop_handler const handler = current_stop_handler.load(detail::memory_order_acquire);
  handler != nullptr ? handler(info) : print(info);
  __builtin_abort();
}

/// Unless it `holds`, stops and names `rule`.
inline void check(bool holds, char const* rule, void const* address = nullptr, void const* heap = nullptr) noexcept {
  if (ZMM_UNLIKELY(!holds)) stop({rule, address, heap});
}
}  // namespace detail

/// Effects: makes `handler` the one stop handler of the process; null restores the default, one line on stderr.
/// Returns: the handler in force before, null for the default. Thread-safe.
inline stop_handler set_stop_handler(stop_handler handler) noexcept {
  return detail::current_stop_handler.exchange(handler, detail::memory_order_acq_rel);
}

}}  // namespace zmm
