// How one finds from a frame of the stack to its caller's, as the compiler describes it for x86-64.
#pragma once

#include <zmm/base/compiler.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// How to come from a frame to its caller's. One word:
///     kind 2 · frame 18 · saved 14 · code 30
class frame_rule {
public:
  enum kinds : unsigned { hard, outermost, by_stack, by_base };

  /// The frame ends `frame` bytes above the stack pointer or the base pointer; the caller's base pointer was saved `saved` bytes
  /// below that; 0: it is where it was.
  static frame_rule make(kinds kind, std::uint64_t frame, std::uint64_t saved) noexcept {
    if (frame % 8 != 0 || saved % 8 != 0 || frame / 8 >= 1U << 18 || saved / 8 >= 1U << 14) kind = hard;
    return kind == hard ? frame_rule{} : frame_rule{kind | (frame / 8) << 2 | (saved / 8) << 20};
  }
  constexpr frame_rule() noexcept = default;
  constexpr explicit frame_rule(std::uint64_t bits) noexcept : bits_(bits) {}

  kinds kind() const noexcept { return static_cast<kinds>(bits_ & 3); }
  std::uintptr_t frame() const noexcept { return (bits_ >> 2 & ((1U << 18) - 1)) * 8; }
  std::uintptr_t saved() const noexcept { return (bits_ >> 20 & ((1U << 14) - 1)) * 8; }
  std::uint64_t bits() const noexcept { return bits_; }
  /// With the call in front of the place: another library may lie there later.
  frame_rule with_code_at(std::uintptr_t pc) const noexcept { return frame_rule{bits_ | code_at(pc) << 34}; }
  bool has_code_at(std::uintptr_t pc) const noexcept { return bits_ >> 34 == code_at(pc); }

private:
  static std::uint64_t code_at(std::uintptr_t pc) noexcept {
    std::uint32_t code;
    std::memcpy(&code, reinterpret_cast<void const*>(pc - 4), sizeof code);
    return code * 0x9E3779B1U >> 2;
  }
  std::uint64_t bits_ = hard;
};

/// Reads the description of one function, as the ABI of x86-64 has it.
class frame_program {
public:
  /// Returns: the rule at `pc`, of a function that begins at `start`.
  static frame_rule run(unsigned char const* description, std::uintptr_t start, std::uintptr_t pc) noexcept {
    frame_program p;
    p.at_ = description;
    std::uint32_t const length = p.read<std::uint32_t>();
    unsigned char const* const end = p.at_ + length;
    unsigned char const* const body = p.at_;
    unsigned char const* const common = body - p.read<std::uint32_t>();
    if (length >= 0xFFFFFFF0U || !p.read_common(common)) return {};
    p.at_ = body + 4 + 2 * p.address_bytes_;
    if (p.has_lengths_) {
      std::uint64_t const skipped = p.number();
      p.at_ += skipped;
    }
    p.initial_ = p.now_;
    if (!p.execute(end, start, pc)) return {};
    state const& s = p.now_;
    if (s.is_outermost) return frame_rule::make(frame_rule::outermost, 0, 0);
    if (s.place != -8 || s.is_base_hard || s.base > 0 || s.frame <= 0) return {};
    if (s.reg != stack_register && s.reg != base_register) return {};
    return frame_rule::make(s.reg == base_register ? frame_rule::by_base : frame_rule::by_stack, static_cast<std::uint64_t>(s.frame),
                            static_cast<std::uint64_t>(-s.base));
  }

private:
  static constexpr std::uint64_t base_register = 6, stack_register = 7, place_register = 16;
  struct state {
    std::uint64_t reg = 0;      ///< the frame ends at this register …
    std::int64_t frame = 0;     ///< … and so many bytes
    std::int64_t base = 0;      ///< where the base pointer was saved, seen from there; 0: it was not
    std::int64_t place = 0;     ///< the same of the place to return to
    bool is_outermost = false, is_base_hard = false;
  };

  template <class T> T read() noexcept {
    T value;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::uint64_t number() noexcept {
    std::uint64_t value = 0;
    unsigned char byte = 0x80;
    for (unsigned shift = 0; (byte & 0x80) != 0 && shift < 64; shift += 7) value |= std::uint64_t{(byte = *at_++) & 0x7FU} << shift;
    return value;
  }
  std::int64_t signed_number() noexcept {
    std::uint64_t value = 0;
    unsigned char byte = 0x80;
    unsigned shift = 0;
    for (; (byte & 0x80) != 0 && shift < 64; shift += 7) value |= std::uint64_t{(byte = *at_++) & 0x7FU} << shift;
    if ((byte & 0x40) != 0 && shift < 64) value |= ~std::uint64_t{0} << shift;
    return static_cast<std::int64_t>(value);
  }
  static std::size_t bytes_of(unsigned char encoding) noexcept {
    constexpr unsigned char sizes[8] = {8, 0, 2, 4, 8, 0, 0, 0};
    return sizes[encoding & 7];
  }

  /// What the functions of a file have in common. Returns: whether it is all known.
  bool read_common(unsigned char const* common) noexcept {
    at_ = common;
    std::uint32_t const length = read<std::uint32_t>();
    unsigned char const* const end = at_ + length;
    at_ += 4;
    unsigned char const version = *at_++;
    auto const* const letters = at_;
    at_ += std::strlen(reinterpret_cast<char const*>(letters)) + 1;
    code_unit_ = number();
    data_unit_ = signed_number();
    if ((version == 1 ? *at_++ : number()) != place_register || (version != 1 && version != 3)) return false;
    address_bytes_ = 8;
    if (letters[0] != 0) {
      if (letters[0] != 'z') return false;
      has_lengths_ = true;
      std::uint64_t const skipped = number();
      unsigned char const* const behind = at_ + skipped;
      for (auto const* letter = letters + 1; *letter != 0; ++letter) {
        if (*letter == 'R') {
          address_bytes_ = bytes_of(*at_++);
        } else if (*letter == 'L') {
          ++at_;
        } else if (*letter == 'P') {
          std::size_t const bytes = bytes_of(*at_++);
          if (bytes == 0) return false;
          at_ += bytes;
        } else {
          return false;  // S: the frame of a signal
        }
      }
      at_ = behind;
    }
    return address_bytes_ != 0 && execute(end, 0, ~std::uintptr_t{0});
  }

  void set_offset(std::uint64_t reg, std::int64_t offset) noexcept {
    if (reg == base_register) {
      now_.base = offset;
      now_.is_base_hard = false;
    } else if (reg == place_register) {
      now_.place = offset;
      now_.is_outermost = false;
    }
  }
  void set_hard(std::uint64_t reg) noexcept {
    if (reg == base_register) now_.is_base_hard = true;
    if (reg == place_register) now_.place = 0;
  }
  void restore(std::uint64_t reg) noexcept {
    if (reg == base_register) {
      now_.base = initial_.base;
      now_.is_base_hard = initial_.is_base_hard;
    } else if (reg == place_register) {
      now_.place = initial_.place;
      now_.is_outermost = initial_.is_outermost;
    }
  }
  std::int64_t data() noexcept { return static_cast<std::int64_t>(number()) * data_unit_; }

  /// Runs from `location` on, up to what holds at `pc`. Returns: whether every instruction is known.
  bool execute(unsigned char const* end, std::uint64_t location, std::uintptr_t pc) noexcept {
    while (at_ < end && location <= pc) {
      unsigned char const code = *at_++;
      unsigned char const low = code & 0x3F;
      std::uint64_t reg = 0, bytes = 0;
      switch (code >> 6) {
      case 1: location += low * code_unit_; continue;
      case 2: set_offset(low, data()); continue;
      case 3: restore(low); continue;
      default: break;
      }
      switch (low) {
      case 0x00: break;
      case 0x02: location += read<std::uint8_t>() * code_unit_; break;
      case 0x03: location += read<std::uint16_t>() * code_unit_; break;
      case 0x04: location += read<std::uint32_t>() * code_unit_; break;
      case 0x05:
        reg = number();
        set_offset(reg, data());
        break;
      case 0x06: restore(number()); break;
      case 0x07:
        reg = number();
        if (reg == place_register) now_.is_outermost = true;
        else set_hard(reg);
        break;
      case 0x08: set_offset(number(), 0); break;
      case 0x09:
        set_hard(number());
        number();
        break;
      case 0x0a:
        if (depth_ == most_kept) return false;
        kept_[depth_++] = now_;
        break;
      case 0x0b:
        if (depth_ == 0) return false;
        now_ = kept_[--depth_];
        break;
      case 0x0c:
        now_.reg = number();
        now_.frame = static_cast<std::int64_t>(number());
        break;
      case 0x0d: now_.reg = number(); break;
      case 0x0e: now_.frame = static_cast<std::int64_t>(number()); break;
      case 0x0f:
        now_.reg = 0;  // by an expression: the rule is hard
        bytes = number();
        at_ += bytes;
        break;
      case 0x10:
      case 0x16:
        set_hard(number());
        bytes = number();
        at_ += bytes;
        break;
      case 0x11:
        reg = number();
        set_offset(reg, signed_number() * data_unit_);
        break;
      case 0x12:
        now_.reg = number();
        now_.frame = signed_number() * data_unit_;
        break;
      case 0x13: now_.frame = signed_number() * data_unit_; break;
      case 0x2e: number(); break;  // bytes of arguments
      default: return false;
      }
    }
    return true;
  }

  static constexpr std::size_t most_kept = 8;
  unsigned char const* at_ = nullptr;
  std::uint64_t code_unit_ = 1;
  std::int64_t data_unit_ = 1;
  std::size_t address_bytes_ = 0, depth_ = 0;
  bool has_lengths_ = false;
  state now_, initial_, kept_[most_kept];
};

}}}  // namespace zmm::detail
