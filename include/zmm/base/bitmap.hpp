// A bitmap of fixed length with the range operations that page allocation needs.
#pragma once

#include <zmm/base/bits.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// `Bits` bits, all clear at first. Positions and lengths are in bits. Every operation costs O(Bits / 64).
template <std::size_t Bits> class bitmap {
public:
  static constexpr std::size_t size = Bits;

  bool test(std::size_t at) const noexcept { return (words_[at / 64] >> (at % 64)) & 1; }

  void set(std::size_t first, std::size_t count) noexcept {
    for_each_word(first, count, [](std::uint64_t& word, std::uint64_t mask) { word |= mask; });
  }

  void clear(std::size_t first, std::size_t count) noexcept {
    for_each_word(first, count, [](std::uint64_t& word, std::uint64_t mask) { word &= ~mask; });
  }

  /// The first set bit at or after `from`; Bits if there is none.
  std::size_t next_set(std::size_t from) const noexcept { return next<false>(from); }

  /// The first clear bit at or after `from`; Bits if there is none.
  std::size_t next_clear(std::size_t from) const noexcept { return next<true>(from); }

  /// One past the last set bit before `before`; 0 if there is none. So [result, before) is clear.
  std::size_t clear_run_start(std::size_t before) const noexcept {
    std::size_t word = before / 64;
    std::uint64_t left = before % 64 ? words_[word] & (~std::uint64_t{0} >> (64 - before % 64)) : 0;
    while (left == 0) {
      if (word == 0) return 0;
      left = words_[--word];
    }
    return word * 64 + highest_bit(left) + 1;
  }

  /// Calls visit(first, length) for each run of clear bits, from the front, until it returns true. Faster than next_set()
  /// and next_clear() in turn, because it separates the runs of one word in registers.
  template <class Visit> ZMM_INLINE void find_clear_run(Visit visit) const noexcept {
    std::uint64_t clear = clear_bits(0);
    for (std::size_t word = 0;;) {
      while (clear == 0) {
        if (++word == words) return;
        clear = clear_bits(word);
      }
      std::size_t const first = word * 64 + lowest_bit(clear);
      // Adding a run's lowest bit moves that bit to one past the run's end; a sum of 0: the run continues in the next word.
      std::uint64_t carried = clear + (clear & (0 - clear));
      while (carried == 0 && ++word != words) {
        clear = clear_bits(word);
        carried = clear + 1;
      }
      std::size_t const end = carried != 0 ? word * 64 + lowest_bit(carried) : Bits;
      if (visit(first, end - first) || carried == 0) return;
      clear &= carried;
    }
  }

  std::size_t count() const noexcept {
    std::size_t sum = 0;
    for (std::uint64_t word : words_) sum += popcount(word);
    return sum;
  }

  bool all(std::size_t first, std::size_t count) const noexcept { return next_clear(first) >= first + count; }

private:
  std::uint64_t clear_bits(std::size_t word) const noexcept {
    return ~words_[word] & (word == words - 1 ? last_word : ~std::uint64_t{0});
  }

  static constexpr std::size_t words = (Bits + 63) / 64;
  static constexpr std::uint64_t last_word = ~std::uint64_t{0} >> (words * 64 - Bits);  ///< its bits that are used
  static_assert(Bits > 0);

  template <bool Inverted> std::size_t next(std::size_t from) const noexcept {
    if (from >= Bits) return Bits;
    std::size_t word = from / 64;
    std::uint64_t left = (Inverted ? ~words_[word] : words_[word]) & (~std::uint64_t{0} << (from % 64));
    while (left == 0) {
      if (++word == words) return Bits;
      left = Inverted ? ~words_[word] : words_[word];
    }
    std::size_t const found = word * 64 + lowest_bit(left);
    return found < Bits ? found : Bits;
  }

  template <class Apply> void for_each_word(std::size_t first, std::size_t count, Apply apply) noexcept {
    while (count != 0) {
      std::size_t const in_word = first % 64;
      std::size_t const taken = count < 64 - in_word ? count : 64 - in_word;
      apply(words_[first / 64], (~std::uint64_t{0} >> (64 - taken)) << in_word);
      first += taken;
      count -= taken;
    }
  }

  std::uint64_t words_[words] = {};
};

}}}  // namespace zmm::detail
