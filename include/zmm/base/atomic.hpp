// The parts of <atomic> that zmm needs: the header has 1,600 preprocessed lines in C++17 and 24,000 in C++20.
#pragma once

#include <zmm/base/compiler.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

enum class memory_order : int {
  relaxed = __ATOMIC_RELAXED,
  acquire = __ATOMIC_ACQUIRE,
  release = __ATOMIC_RELEASE,
  acq_rel = __ATOMIC_ACQ_REL,
  seq_cst = __ATOMIC_SEQ_CST,
};
inline constexpr memory_order memory_order_relaxed = memory_order::relaxed;
inline constexpr memory_order memory_order_acquire = memory_order::acquire;
inline constexpr memory_order memory_order_release = memory_order::release;
inline constexpr memory_order memory_order_acq_rel = memory_order::acq_rel;
inline constexpr memory_order memory_order_seq_cst = memory_order::seq_cst;

/// As std::atomic, for trivially copyable types of up to eight bytes. On few machines the processor has no such instructions,
/// and the compiler's libatomic has to be linked, as for std::atomic: for single bytes on RISC-V, and for eight bytes on some
/// 32-bit machines (MIPS, ARM before 7).
template <class T> class atomic {
  static constexpr bool is_plain = ZMM_ONE_THREAD != 0;
  static_assert(sizeof(T) <= 8 && __is_trivially_copyable(T));
  static_assert(is_plain || sizeof(T) != sizeof(void*) || __atomic_always_lock_free(sizeof(T), nullptr));

public:
  constexpr atomic() noexcept : value_() {}
  constexpr atomic(T value) noexcept : value_(value) {}
  atomic(atomic const&) = delete;
  atomic& operator=(atomic const&) = delete;

  ZMM_INLINE T load(memory_order order = memory_order::seq_cst) const noexcept {
    if constexpr (is_plain) return value_;
    T value;
    __atomic_load(&value_, &value, static_cast<int>(order));
    return value;
  }
  ZMM_INLINE void store(T value, memory_order order = memory_order::seq_cst) noexcept {
    if constexpr (is_plain) {
      value_ = value;
      return;
    }
    __atomic_store(&value_, &value, static_cast<int>(order));
  }
  ZMM_INLINE T exchange(T value, memory_order order = memory_order::seq_cst) noexcept {
    if constexpr (is_plain) return replace(value);
    T before;
    __atomic_exchange(&value_, &value, &before, static_cast<int>(order));
    return before;
  }
  ZMM_INLINE bool compare_exchange_strong(T& expected, T wanted, memory_order done, memory_order failed) noexcept {
    if constexpr (is_plain) return replace_if(expected, wanted);
    return __atomic_compare_exchange(&value_, &expected, &wanted, false, static_cast<int>(done), static_cast<int>(failed));
  }
  ZMM_INLINE bool compare_exchange_weak(T& expected, T wanted, memory_order done, memory_order failed) noexcept {
    if constexpr (is_plain) return replace_if(expected, wanted);
    return __atomic_compare_exchange(&value_, &expected, &wanted, true, static_cast<int>(done), static_cast<int>(failed));
  }
  ZMM_INLINE bool compare_exchange_strong(T& expected, T wanted, memory_order order = memory_order::seq_cst) noexcept {
    return compare_exchange_strong(expected, wanted, order, when_failed(order));
  }
  ZMM_INLINE bool compare_exchange_weak(T& expected, T wanted, memory_order order = memory_order::seq_cst) noexcept {
    return compare_exchange_weak(expected, wanted, order, when_failed(order));
  }
  ZMM_INLINE T fetch_add(T value, memory_order order = memory_order::seq_cst) noexcept {
    if constexpr (is_plain) return replace(static_cast<T>(value_ + value));
    return __atomic_fetch_add(&value_, value, static_cast<int>(order));
  }
  ZMM_INLINE T fetch_sub(T value, memory_order order = memory_order::seq_cst) noexcept {
    if constexpr (is_plain) return replace(static_cast<T>(value_ - value));
    return __atomic_fetch_sub(&value_, value, static_cast<int>(order));
  }
  ZMM_INLINE T fetch_and(T value, memory_order order = memory_order::seq_cst) noexcept {
    if constexpr (is_plain) return replace(static_cast<T>(value_ & value));
    return __atomic_fetch_and(&value_, value, static_cast<int>(order));
  }

private:
  T replace(T value) noexcept {
    T const before = value_;
    value_ = value;
    return before;
  }
  bool replace_if(T& expected, T wanted) noexcept {
    bool const is_same = __builtin_memcmp(&value_, &expected, sizeof(T)) == 0;
    if (is_same) value_ = wanted;
    if (!is_same) expected = value_;
    return is_same;
  }

  /// The order of a failed exchange, which writes nothing.
  static constexpr memory_order when_failed(memory_order order) noexcept {
    return order == memory_order::acq_rel   ? memory_order::acquire
           : order == memory_order::release ? memory_order::relaxed
                                            : order;
  }

  T value_;
};

}}}  // namespace zmm::detail
