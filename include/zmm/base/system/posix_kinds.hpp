// Mappings of files, as every POSIX system has them.
#pragma once

#include <zmm/base/system.hpp>
#include <zmm/base/system/bare_kinds.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct posix_kinds : bare_kinds {
  static constexpr bool has_zero_file = true;
  static void* map_zero_file(void* hint, std::size_t bytes, page_access access) noexcept {
    int const file = ::open("/dev/zero", O_RDWR | O_CLOEXEC);
    if (file < 0) return nullptr;
    void* const p = ::mmap(hint, bytes, posix_system::protection(access), MAP_PRIVATE, file, 0);
    ::close(file);
    return posix_system::if_mapped(p);
  }
  /// A file with holes may find no room for them later: touching one then ends the program.
  static void* map_file(int file, std::size_t offset, std::size_t bytes) noexcept {
    bytes_known const has = look_at(file, offset, bytes);
    return has == bytes_known::enough || has == bytes_known::no ? map_shared(file, offset, bytes) : nullptr;
  }

protected:
  enum class bytes_known : unsigned char { enough, too_few, no, wrong };
  /// Only a regular file has a size to ask for; for others mmap() decides. Wrong: not an offset of a file, or no file.
  static bytes_known look_at(int file, std::size_t offset, std::size_t bytes) noexcept {
    constexpr std::uint64_t most = ~std::uint64_t{0} >> (65 - 8 * sizeof(off_t));
    if (offset > most || bytes > most - offset) return bytes_known::wrong;
    struct ::stat is {};
    if (::fstat(file, &is) != 0) return bytes_known::wrong;
    if (!S_ISREG(is.st_mode)) return bytes_known::no;
    return static_cast<std::uint64_t>(is.st_size) >= offset + bytes ? bytes_known::enough : bytes_known::too_few;
  }
  static void* map_shared(int file, std::size_t offset, std::size_t bytes) noexcept {
    void* const p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, static_cast<off_t>(offset));
    return posix_system::if_mapped(p);
  }
};

}}}  // namespace zmm::detail
