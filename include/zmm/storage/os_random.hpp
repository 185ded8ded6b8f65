// Keys that cannot be predicted from outside the process.
#pragma once

#include <zmm/base/bits.hpp>
#include <zmm/storage/fork_guard.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Makes any number of keys from one secret of the process: SipHash-2-4 of a counter. An attacker who learns some keys
/// learns neither the secret nor other keys. The child of a fork() draws its own secret. Thread-safe; constant-initialised.
class key_source {
public:
  constexpr key_source() noexcept = default;

  std::uint64_t next() noexcept { return key(claim(1)); }

  /// Effects: assigns `n` keys to the caller. Returns: the number of the first; key() makes one of each number.
  std::uint64_t claim(std::uint64_t n) noexcept {
    forks.attach(fork_);
    if (ZMM_UNLIKELY(!drawn_.load(detail::memory_order_acquire))) draw();
    return count_.fetch_add(n, detail::memory_order_relaxed);
  }
  std::uint64_t key(std::uint64_t number) const noexcept { return hash(number); }

private:
  ZMM_COLD void draw() noexcept {
    mutex_guard const guard(lock_);
    if (drawn_.load(detail::memory_order_relaxed)) return;
    if (!host::draw(secret_, sizeof secret_)) make_up();
    drawn_.store(true, detail::memory_order_release);  // a thread that sees the flag sees the secret
  }
  /// For a system without a source of randomness: values that differ from run to run, which is better than nothing.
  ZMM_COLD void make_up() noexcept {
    std::uint64_t const now = host::moment();
    secret_[0] = now * 0x9E3779B97F4A7C15U ^ address_of(this);
    secret_[1] = address_of(&now) * 0x9E3779B97F4A7C15U ^ now >> 32;
  }

  static constexpr std::uint64_t turn(std::uint64_t x, unsigned by) noexcept { return x << by | x >> (64 - by); }

  struct state {
    std::uint64_t a, b, c, d;
    static void half(std::uint64_t& sum, std::uint64_t& word, unsigned by) noexcept {
      sum += word;
      word = turn(word, by) ^ sum;
    }
    void round() noexcept {
      half(a, b, 13);
      a = turn(a, 32);
      half(c, d, 16);
      half(a, d, 21);
      half(c, b, 17);
      c = turn(c, 32);
    }
    void absorb(std::uint64_t word) noexcept {
      d ^= word;
      round();
      round();
      a ^= word;
    }
  };
  std::uint64_t hash(std::uint64_t word) const noexcept {
    state s{secret_[0] ^ 0x736F6D6570736575U, secret_[1] ^ 0x646F72616E646F6DU, secret_[0] ^ 0x6C7967656E657261U,
            secret_[1] ^ 0x7465646279746573U};
    s.absorb(word);
    s.absorb(std::uint64_t{8} << 56);
    s.c ^= 0xFF;
    for (int i = 0; i < 4; ++i) s.round();
    return s.a ^ s.b ^ s.c ^ s.d;
  }

  static void in_child(void* self) noexcept {
    static_cast<key_source*>(self)->drawn_.store(false, detail::memory_order_relaxed);
  }

  mutex lock_{lock_rank::keys};
  detail::atomic<bool> drawn_{false};
  detail::atomic<std::uint64_t> count_{0};
  std::uint64_t secret_[2] = {};
  fork_node fork_{lock_, this, &in_child};
};

ZMM_SHARED ZMM_CONSTINIT inline key_source key_maker;

}}}  // namespace zmm::detail
