// Floor 2: the page layer. Includes floors 0 and 1 only.
//
// Whether more memory may be taken from storage, and why not.
#pragma once

#include <zmm/base/bits.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

enum class refusal : std::uint8_t {
  none,
  limit,    ///< a limit would be passed
  storage,  ///< storage has no memory
  address,  ///< no address space holds such a size or alignment
};

/// What is known of the future of a block that is being allocated.
enum class growth : std::uint8_t {
  none,     ///< it is expected to keep its size
  maybe,    ///< as none, and whether its neighbour grows is not known either: it may be free and kept warm
  known,    ///< it replaces one that has outgrown its place: it gets room to grow in
  guarded,  ///< as none, and if it is huge, an OS page of the address space behind it is reserved and never committed
};

/// Travels with one attempt to allocate: downward whether limits bind and what is known of the block, upward why it
/// failed.
struct admission {
  bool lifted = false;    ///< limits do not bind this attempt
  bool by_watch = false;  ///< an engine's watch asks for memory to make a block of
  bool asks = true;       ///< if a limit refuses, its hook is asked
  detail::growth growth = growth::none;

  refusal why = refusal::none;
  std::size_t used = 0;       ///< limit: real bytes in use where it was refused
  std::size_t limit = 0;      ///< limit: the limit that refused
  std::size_t needed = 0;     ///< storage: bytes asked for
  std::size_t alignment = 0;  ///< storage: and their alignment

  void guard_huge() noexcept {
    if (growth == detail::growth::none) growth = detail::growth::guarded;
  }
  std::nullptr_t refuse_address() noexcept {
    why = refusal::address;
    return nullptr;
  }
  std::nullptr_t refuse_storage(std::size_t bytes, std::size_t aligned_to) noexcept {
    why = refusal::storage;
    needed = bytes;
    alignment = aligned_to;
    return nullptr;
  }
};

/// Bytes taken, their peak and their limit. Invariant: real_size <= real_peak; real_size <= limit except for what was
/// taken while a limit was lifted.
class ledger {
public:
  static constexpr std::size_t no_limit = ~std::size_t{0};

  std::size_t real_size() const noexcept { return real_size_; }
  std::size_t real_peak() const noexcept { return real_peak_; }
  std::size_t limit() const noexcept { return limit_; }
  std::size_t remaining() const noexcept { return limit_ > real_size_ ? limit_ - real_size_ : 0; }

  /// Whether `bytes` more may be taken; if not, `asked` says why.
  bool admits(std::size_t bytes, admission& asked) const noexcept {
    if (asked.lifted || bytes <= remaining()) return true;
    asked.why = refusal::limit;
    asked.used = real_size_;
    asked.limit = limit_;
    return false;
  }
  void add(std::size_t bytes) noexcept {
    real_size_ += bytes;
    if (real_size_ > real_peak_) real_peak_ = real_size_;
  }
  void subtract(std::size_t bytes) noexcept { real_size_ -= bytes; }

  /// Returns false, and keeps the old limit, if more than `limit` is in use.
  bool set_limit(std::size_t limit) noexcept {
    if (real_size_ > limit) return false;
    limit_ = limit;
    return true;
  }
  void reset_peak() noexcept { real_peak_ = real_size_; }

private:
  std::size_t real_size_ = 0;
  std::size_t real_peak_ = 0;
  std::size_t limit_ = no_limit;
};

}}}  // namespace zmm::detail
