// Floor 2: the page layer. Includes floors 0 to 2 only.
//
// Whether more memory may be taken from storage, and why not.
#pragma once

#include <zmm/errors.hpp>
#include <zmm/base/bits.hpp>

#include <zmm/base/atomic.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

enum class refusal : std::uint8_t {
  none,
  limit,    ///< a limit would be passed
  storage,  ///< storage has no memory
  address,  ///< no address space holds such a size or alignment
  nobody,   ///< there is no heap: the allocator that asks is bound to none
};

/// The least address space of a block that grows: 1 GiB, or 32 MiB where addresses have 32 bits.
inline constexpr std::size_t least_ahead = std::size_t{1} << (sizeof(void*) == 8 ? 30 : 25);

/// What is known of the future of a block that is being allocated.
enum class growth : std::uint8_t {
  none,     ///< it is expected to keep its size
  maybe,    ///< as none, but nothing is known of its neighbour either: that may be a free run, kept warm
  known,    ///< it replaces one that has outgrown its place: it gets room to grow in
  guarded,  ///< as none, and if it is huge, an OS page of the address space behind it is reserved and never committed
};

/// Travels with one attempt to allocate: downward whether limits bind and what is known of the block, upward why it
/// failed.
struct admission {
  bool lifted = false;    ///< limits do not bind this attempt
  bool asks = true;       ///< if a limit refuses, its hook is asked
  bool exact = false;     ///< a huge block gets no byte more than its whole pages
  bool no_chunk = false;  ///< with at_hand: no empty chunk either
  bool at_hand = false;   ///< nothing more is taken from storage; `why` stays none if an attempt fails for that alone
  detail::growth growth = growth::none;

  refusal why = refusal::none;
  std::size_t needed = 0;                     ///< bytes that were to be taken from storage
  std::size_t alignment = 0;                  ///< storage: and their alignment
  std::size_t used = 0;                       ///< limit: real bytes in use where it was refused
  std::size_t limit = 0;                      ///< limit: the limit that refused
  limit_holder whose = limit_holder::engine;  ///< limit: and whose it is

  void guard_huge() noexcept {
    if (growth == detail::growth::none) growth = detail::growth::guarded;
  }
  std::nullptr_t refuse_address() noexcept {
    why = refusal::address;
    return nullptr;
  }
  std::nullptr_t refuse_for_nobody() noexcept {
    why = refusal::nobody;
    return nullptr;
  }
  std::nullptr_t refuse_storage(std::size_t bytes, std::size_t aligned_to) noexcept {
    why = refusal::storage;
    needed = bytes;
    alignment = aligned_to;
    return nullptr;
  }
};

/// A number with the interface of detail::atomic, for one thread.
struct plain_word {
  std::size_t value;

  std::size_t load(detail::memory_order) const noexcept { return value; }
  void store(std::size_t now, detail::memory_order) noexcept { value = now; }
};

/// Bytes taken, their peak and their limit. Invariant: real_size <= real_peak; real_size <= limit except for what was
/// taken while a limit was lifted. Written by one thread at a time; read by any if Word is detail::atomic.
template <class Word> class basic_ledger {
public:
  static constexpr std::size_t no_limit = ~std::size_t{0};

  // Acquire: a thread that reads a size, and then the peak, never finds a peak below that size.
  std::size_t real_size() const noexcept { return real_size_.load(detail::memory_order_acquire); }
  std::size_t real_peak() const noexcept { return real_peak_.load(detail::memory_order_relaxed); }
  std::size_t limit() const noexcept { return limit_.load(detail::memory_order_relaxed); }
  std::size_t remaining() const noexcept {
    std::size_t const most = limit(), used = real_size();
    return most > used ? most - used : 0;
  }
  /// Bytes beyond the limit, which were taken while it was lifted.
  std::size_t excess() const noexcept {
    std::size_t const most = limit(), used = real_size();
    return used > most ? used - most : 0;
  }

  /// Whether `bytes` more may be taken; if not, `asked` says why.
  bool admits(std::size_t bytes, admission& asked) const noexcept {
    if (asked.lifted || bytes <= remaining()) return true;
    asked.why = refusal::limit;
    asked.needed = bytes;
    asked.used = real_size();
    asked.limit = limit();
    return false;
  }
  /// The same; calls make_room(missing) first if the limit has no room for them, even if it is lifted.
  template <class MakeRoom> bool admits(std::size_t bytes, admission& asked, MakeRoom make_room) const noexcept {
    if (bytes > remaining()) make_room(bytes - remaining() + excess());
    return admits(bytes, asked);
  }
  /// Effects: as add(), if so many more may be taken. Returns: whether they may; if not, `asked` says why.
  bool charge(std::size_t bytes, admission& asked) noexcept {
    if (!admits(bytes, asked)) return false;
    add(bytes);
    return true;
  }
  void add(std::size_t bytes) noexcept { set(real_size() + bytes); }
  void subtract(std::size_t bytes) noexcept { real_size_.store(real_size() - bytes, detail::memory_order_release); }
  /// Effects: as subtract() and add(), in one step for readers.
  void replace(std::size_t before, std::size_t after) noexcept { set(real_size() - before + after); }

  /// Returns false, and keeps the old limit, if more than `limit` is in use.
  bool set_limit(std::size_t limit) noexcept {
    if (real_size() > limit) return false;
    limit_.store(limit, detail::memory_order_relaxed);
    return true;
  }
  void reset_peak() noexcept { real_peak_.store(real_size(), detail::memory_order_relaxed); }

private:
  void set(std::size_t bytes) noexcept {
    if (bytes > real_peak()) real_peak_.store(bytes, detail::memory_order_relaxed);
    real_size_.store(bytes, detail::memory_order_release);
  }

  Word real_size_{0};
  Word real_peak_{0};
  Word limit_{no_limit};
};
using ledger = basic_ledger<detail::atomic<std::size_t>>;
using plain_ledger = basic_ledger<plain_word>;

}}}  // namespace zmm::detail
