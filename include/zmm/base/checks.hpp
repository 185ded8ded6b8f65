// How zmm stops: one handler for broken invariants and misuse.
#pragma once

#include <zmm/base/held_locks.hpp>
#include <zmm/base/system.hpp>

#include <zmm/base/atomic.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// What a stop handler is told.
struct stop_info {
  char const* what;            ///< the broken rule, by name; a string literal
  void const* address;         ///< the block, chunk or slab it was found at; may be null
  void const* heap;            ///< the engine it belongs to; may be null
  std::size_t slot_bytes = 0;  ///< of a block: its class, the bytes of its slot; 0: none, or not known
  void const* run = nullptr;   ///< of a block in a run of slots: where that starts; may be null

  // Of a block of a debug heap, which knows where it was allocated.
  std::size_t block_bytes = 0;  ///< what was asked for
  char const* file = nullptr;
  unsigned line = 0;
  char const* label = nullptr;
};

/// Called when zmm cannot go on, in a thread that holds no lock of zmm's: it may log, through zmm too, jump out of the
/// program or exit. If it returns, the program aborts.
using stop_handler = void (*)(stop_info const&) noexcept;

namespace detail {
ZMM_SHARED inline detail::atomic<stop_handler> current_stop_handler{nullptr};

/// Writes one line to stderr. Allocates nothing, and nothing of the C library's that it calls does.
ZMM_COLD inline void print([[maybe_unused]] stop_info const& info) noexcept {
  if constexpr (!host::tells) return;  // no place to write to
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

/// Lets go of this thread's locks, reports to the stop handler (by default: one line on stderr) and aborts.
[[noreturn]] ZMM_COLD inline void stop(stop_info const& info) noexcept {
  let_go_of_all_locks();
  stop_handler const handler = current_stop_handler.load(detail::memory_order_acquire);
  handler != nullptr ? handler(info) : print(info);
  __builtin_abort();
}

/// Stops, naming `rule`, unless it `holds`.
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
