// The profile of a program whose malloc is zmm's, as its environment asks for it; replace_malloc.hpp includes this.
//
//     ZMM_PROFILE=/tmp/heap PROGRAM                         # at exit() it writes /tmp/heap.PID, for pprof
//     ZMM_PROFILE=/tmp/heap ZMM_SAMPLE=4096 PROGRAM         # one sample in 4096 bytes, not in 512 KiB
#pragma once

#include <zmm/faces/malloc_family.hpp>
#include <zmm/profile.hpp>
#include <zmm/sampled.hpp>

#include <fcntl.h>
#include <unistd.h>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Constant-initialised. One thread at a time.
class malloc_profile {
public:
  /// Effects: switches sampling of the process's heap on if the environment wants it. To be called once, at the start.
  ZMM_COLD void begin() noexcept {
    char const* const mean = host::wish("ZMM_SAMPLE");
    char const* const name = host::wish("ZMM_PROFILE");
    bool const has_name = name != nullptr && *name != '\0';
    if ((mean == nullptr && !has_name) || malloc_family::forwards()) return;
    std::size_t const every = mean != nullptr && *mean != '\0' ? number(mean) : default_mean;
    if (every == 0 || !set_sampling(every) || !has_name) return;
    for (std::size_t i = 0; i < most_name; ++i) {  // a copy: programs may write over their environment
      path_[i] = name[i];
      if (name[i] == '\0') return static_cast<void>(length_ = i);
    }
    complain();  // the name is too long
  }
  /// Effects: writes the profile if that is wanted. What other threads do meanwhile is in it or not.
  ZMM_COLD void end() noexcept {
    if (length_ == 0) return;
    int const saved = errno;
    append_process();
    int file = ::open(path_, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_written = file >= 0 && write_profile(thread_heap{}, profile_format::pprof,
                                                 [&](char const* bytes, std::size_t n) { return put(file, bytes, n); });
    if (file >= 0) is_written = ::close(file) == 0 && is_written;
    if (!is_written) complain();
    errno = saved;
  }

private:
  static constexpr std::size_t default_mean = std::size_t{512} << 10, most_name = 4096, most_digits = 20;

  /// Returns: 0 if the text is no decimal number.
  static std::size_t number(char const* text) noexcept {
    std::size_t n = 0;
    for (; *text != '\0'; ++text) {
      bool const is_digit = '0' <= *text && *text <= '9';
      if (!is_digit || __builtin_mul_overflow(n, std::size_t{10}, &n) ||
          __builtin_add_overflow(n, static_cast<std::size_t>(*text - '0'), &n))
        return 0;
    }
    return n;
  }
  static bool put(int file, char const* bytes, std::size_t count) noexcept {
    while (count != 0) {
      ::ssize_t const done = ::write(file, bytes, count);
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) return false;
      bytes += done;
      count -= static_cast<std::size_t>(done);
    }
    return true;
  }
  /// So processes that inherit the environment write files of their own.
  void append_process() noexcept {
    char digits[most_digits];
    std::size_t n = 0;
    auto process = static_cast<unsigned long>(::getpid());
    do digits[n++] = static_cast<char>('0' + process % 10);
    while ((process /= 10) != 0);
    std::size_t at = length_;
    path_[at++] = '.';
    while (n != 0) path_[at++] = digits[--n];
    path_[at] = '\0';
  }
  static void complain() noexcept {
    static constexpr char text[] = "zmm: the profile of ZMM_PROFILE cannot be written\n";
    static_cast<void>(host::tell(text, sizeof text - 1));
  }

  char path_[most_name + most_digits + 2] = {};
  std::size_t length_ = 0;  ///< 0: no profile is wanted
};
[[gnu::visibility("hidden")]] inline malloc_profile the_malloc_profile;

}}}  // namespace zmm::detail
