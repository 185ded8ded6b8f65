// Which files the program's code comes from, and where it is mapped.
#pragma once
#include <zmm/base/system_kinds.hpp>
#include <zmm/inspect/text_out.hpp>
#include <zmm/watch/block_table.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Memory [start, limit) holds the file's bytes from `offset` on.
struct code_mapping {
  std::uintptr_t start, limit, offset;
  std::size_t name;  ///< where it begins in the text of all names
};

/// Effects: calls take(text, count) for one part after the other of the system's list of mappings, if it has one.
template <class Take> void read_mappings(Take take) {
  char part[8192];
  std::size_t from = 0;
  while (std::size_t const got = host_kinds::read_mappings(from, part, sizeof part)) {
    take(part, got);
    from += got;
  }
}

/// The executable mappings of files, as the system lists them; none where it has no list. Takes memory only from the system.
class code_mappings {
public:
  void read() noexcept {
    read_mappings([this](char const* text, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) take(text[i]);
    });
  }
  std::size_t size() const noexcept { return count_; }
  code_mapping const& operator[](std::size_t i) const noexcept { return mappings_[i]; }
  char const* file(std::size_t i) const noexcept { return &names_[mappings_[i].name]; }

  /// Returns: the index of the mapping that an address lies in; size(): none.
  std::size_t find(std::uintptr_t address) const noexcept {
    std::size_t i = 0;
    while (i < count_ && !(mappings_[i].start <= address && address < mappings_[i].limit)) ++i;
    return i;
  }
  /// "server+0x12f0": an offset as addr2line takes it, if code has the same distances in memory as in the file.
  template <class Out> void write_place(Out& out, std::uintptr_t address) const {
    std::size_t const at = find(address);
    if (at != count_) {
      out << base_name(file(at)) << '+';
      address = address - mappings_[at].start + mappings_[at].offset;
    }
    out << "0x";
    unsigned digits = 1;
    while (digits < 2 * sizeof address && address >> 4 * digits != 0) ++digits;
    while (digits-- != 0) out << "0123456789abcdef"[address >> 4 * digits & 15];
  }

private:
  enum class field { start, limit, rights, offset, device, node, name };

  static char const* base_name(char const* path) noexcept {
    char const* name = path;
    for (; *path != '\0'; ++path) {
      if (*path == '/') name = path + 1;
    }
    return name;
  }

  /// Takes the next character of a line "start-limit rights offset device node      name\n".
  void take(char c) noexcept {
    if (c == '\n') return end_line();
    switch (now_) {
    case field::start: c == '-' ? next() : digit(line_.start, c); break;
    case field::limit: c == ' ' ? next() : digit(line_.limit, c); break;
    case field::offset: c == ' ' ? next() : digit(line_.offset, c); break;
    case field::rights:
      if (c == 'x') is_code_ = true;
      [[fallthrough]];
    case field::device:
    case field::node:
      if (c == ' ') next();
      break;
    case field::name:
      if (c != ' ' || text_ != line_.name) put(c);
      break;
    }
  }
  void next() noexcept { now_ = static_cast<field>(static_cast<int>(now_) + 1); }
  static void digit(std::uintptr_t& number, char c) noexcept {
    number = number << 4 | static_cast<std::uintptr_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  void put(char c) noexcept {
    if (text_ == names_.capacity() && !names_.grow([&](char const* old, std::size_t) {
          for (std::size_t i = 0; i < text_; ++i) names_[i] = old[i];
        }))
      return;
    names_[text_++] = c;
  }
  void end_line() noexcept {
    bool const has_file = is_code_ && text_ != line_.name && names_[line_.name] == '/';
    if (has_file) put('\0');
    if (has_file && names_[text_ - 1] == '\0' && has_room()) mappings_[count_++] = line_;
    else text_ = line_.name;
    line_ = {0, 0, 0, text_};
    now_ = field::start;
    is_code_ = false;
  }
  bool has_room() noexcept {
    return count_ < mappings_.capacity() || mappings_.grow([&](code_mapping const* old, std::size_t) {
      for (std::size_t i = 0; i < count_; ++i) mappings_[i] = old[i];
    });
  }

  os_array<code_mapping> mappings_;
  os_array<char> names_;
  std::size_t count_ = 0, text_ = 0;
  code_mapping line_{0, 0, 0, 0};
  field now_ = field::start;
  bool is_code_ = false;
};

}}}  // namespace zmm::detail
