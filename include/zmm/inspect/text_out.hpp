// Text output, to a FILE* or to a caller's function, through a buffer of fixed size. Allocates nothing.
#pragma once
#include <zmm/base/bits.hpp>

#include <cstdio>
#include <type_traits>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Where bytes go. Returns: whether they arrived; after false it is not called again.
using text_sink = bool (*)(void* to, char const* text, std::size_t bytes);

/// The format that decides which characters of a text are escaped.
enum class escaping { json, metrics, xml };

class text_out {
public:
  text_out(text_sink sink, void* to) noexcept : sink_(sink), to_(to) {}
  text_out(text_out const&) = delete;
  text_out& operator=(text_out const&) = delete;

  void put(char c) {
    if (used_ == sizeof buffer_) flush();
    buffer_[used_++] = c;
  }
  text_out& bytes(char const* text, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) put(text[i]);
    return *this;
  }
  text_out& operator<<(char const* text) {
    while (*text != '\0') put(*text++);
    return *this;
  }
  text_out& operator<<(char c) {
    put(c);
    return *this;
  }
  template <class N, class = std::enable_if_t<std::is_integral_v<N> && !std::is_same_v<N, char>>>
  text_out& operator<<(N number) {
    if constexpr (std::is_signed_v<N>) {
      if (number < 0) {
        put('-');
        return digits(0 - static_cast<std::uint64_t>(number));
      }
    }
    return digits(static_cast<std::uint64_t>(number));
  }
  text_out& hex(std::uint64_t number) { return (*this << "0x").hex_digits(number); }
  text_out& hex_digits(std::uint64_t number) {
    unsigned shift = number != 0 ? highest_bit(number) & ~3U : 0;
    for (;; shift -= 4) {
      put("0123456789abcdef"[number >> shift & 15]);
      if (shift == 0) return *this;
    }
  }
  /// Writes a number of thousandths as a decimal fraction.
  text_out& thousandths(std::uint64_t number) {
    digits(number / 1000);
    std::uint64_t rest = number % 1000;
    if (rest == 0) return *this;
    put('.');
    for (std::uint64_t place = 100; rest != 0; rest %= place, place /= 10) put(static_cast<char>('0' + rest / place));
    return *this;
  }
  /// Writes a text of the program's: escapes it, and replaces what is not UTF-8.
  text_out& escaped(char const* text, escaping how) {
    for (auto const* at = reinterpret_cast<unsigned char const*>(text); *at != 0;) {
      std::size_t const length = utf8_length(at);
      if (length > 1) bytes(reinterpret_cast<char const*>(at), length);
      else if (length == 1) escape(static_cast<char>(*at), how);
      else *this << "\xEF\xBF\xBD";
      at += length != 0 ? length : 1;
    }
    return *this;
  }

  /// Effects: writes out the buffer. Returns: whether everything has arrived so far.
  bool flush() {
    std::size_t const count = used_;
    used_ = 0;
    if (ok_ && count != 0) ok_ = sink_(to_, buffer_, count);
    return ok_;
  }

private:
  text_out& digits(std::uint64_t number) {
    char text[20];
    std::size_t at = sizeof text;
    do text[--at] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    return bytes(text + at, sizeof text - at);
  }
  void escape(char c, escaping how) {
    bool const is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (how == escaping::xml) {
      if (c == '<') *this << "&lt;";
      else if (c == '>') *this << "&gt;";
      else if (c == '&') *this << "&amp;";
      else if (c == '"') *this << "&quot;";
      else put(is_control ? ' ' : c);
    } else if (c == '"' || c == '\\') {
      put('\\');
      put(c);
    } else if (c == '\n') {
      *this << "\\n";
    } else if (is_control && how == escaping::json) {
      *this << "\\u00"
            << "0123456789abcdef"[c >> 4 & 15] << "0123456789abcdef"[c & 15];
    } else {
      put(is_control ? ' ' : c);
    }
  }
  /// Bytes of the UTF-8 character at `at`; 0 if there is none.
  static std::size_t utf8_length(unsigned char const* at) noexcept {
    if (at[0] < 0x80) return 1;
    std::size_t const length = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    if (at[0] < 0xC2 || at[0] > 0xF4) return 0;
    for (std::size_t i = 1; i < length; ++i) {
      if ((at[i] & 0xC0) != 0x80) return 0;  // so it does not read past the end
    }
    bool const is_short = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xF0 && at[1] < 0x90);
    bool const is_surrogate = at[0] == 0xED && at[1] > 0x9F, is_beyond = at[0] == 0xF4 && at[1] > 0x8F;
    return is_short || is_surrogate || is_beyond ? 0 : length;
  }

  text_sink const sink_;
  void* const to_;
  bool ok_ = true;
  std::size_t used_ = 0;
  char buffer_[2048];
};

/// Effects: calls write(text_out&), and passes all that it writes to `to`: a FILE*, which is flushed, or a function
/// `bool(char const* text, std::size_t bytes)`. Returns: whether all of it arrived.
template <class Write> bool write_text(std::FILE* to, Write write) {
  text_out out([](void* file, char const* text,
                  std::size_t bytes) { return std::fwrite(text, 1, bytes, static_cast<std::FILE*>(file)) == bytes; },
               to);
  write(out);
  return out.flush() && std::fflush(to) == 0;
}
template <class Sink, class Write> bool write_text(Sink&& to, Write write) {
  using sink_type = std::remove_reference_t<Sink>;
  text_out out([](void* sink, char const* text,
                  std::size_t bytes) { return static_cast<bool>((*static_cast<sink_type*>(sink))(text, bytes)); },
               const_cast<std::remove_const_t<sink_type>*>(&to));
  write(out);
  return out.flush();
}

}}}  // namespace zmm::detail
