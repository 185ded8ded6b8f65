// A profile as gperftools and jemalloc write theirs: text, for google-pprof and jeprof.
#pragma once
#include <zmm/inspect/profile_text.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// "LIVE: BYTES [ALLOCATED: BYTES] @ address address…" for each line, the innermost call first. Where stacks are known, the addresses are
/// return addresses, and the process's mappings follow, by which the reader finds names in the program's file. Elsewhere a line has
/// a made-up address, and its label one more, as if that had called it; names of both stand in front.
class gperftools_writer {
public:
  gperftools_writer(profile_data const& data, text_out& out) noexcept : data_(data), out_(out) {}

  void write() {
    if (!data_.has_stacks()) names();
    profile_entry all{};
    for (profile_entry const& e : data_) {
      all.blocks += e.blocks;
      all.bytes += e.bytes;
      all.allocated += e.allocated;
      all.allocated_bytes += e.allocated_bytes;
    }
    out_ << "heap profile: ";
    figures(all);
    out_ << " @ heapprofile\n";
    for (std::size_t i = 0; i < data_.size(); ++i) {
      profile_entry const& e = data_[i];
      figures(e);
      out_ << " @";
      if (e.stack == nullptr) (out_ << ' ').hex(line_address(i));
      if (!data_.has_stacks() && e.group() != nullptr) (out_ << ' ').hex(group_address(i));
      for (std::size_t k = 0; k < e.frames(); ++k) (out_ << ' ').hex(e.stack->frames()[k]);
      out_ << '\n';
    }
    if (!data_.has_stacks()) return;
    out_ << "\nMAPPED_LIBRARIES:\n";
    read_mappings([this](char const* text, std::size_t count) { out_.bytes(text, count); });
  }

private:
  /// Readers take "(…)" and "<…>" in a name for a function's arguments, and leave them out.
  struct replace_brackets {
    char operator()(char c) const noexcept { return c == '(' || c == '<' ? '[' : c == ')' || c == '>' ? ']' : c; }
  };

  void names() {
    out_ << "--- symbol\nbinary=zmm\n";
    replacing_text<replace_brackets> name(out_, {});
    for (std::size_t i = 0; i < data_.size(); ++i) {
      out_.hex(line_address(i)) << ' ';
      data_[i].write_name(name);
      out_ << '\n';
      if (data_[i].group() == nullptr || first_of_group(i) != i) continue;
      // jeprof looks up what is one below the address of a call, as for return addresses; google-pprof the address itself.
      for (unsigned const below : {0U, 1U}) {
        out_.hex(group_address(i) - below) << ' ';
        name << data_[i].group();
        out_ << '\n';
      }
    }
    out_ << "---\n";
  }
  void figures(profile_entry const& e) {
    out_ << ' ' << e.blocks << ": " << e.bytes << " [ " << e.allocated << ": " << e.allocated_bytes << ']';
  }

  static std::uintptr_t line_address(std::size_t i) noexcept { return 32 * i + 16; }
  std::uintptr_t group_address(std::size_t i) const noexcept { return 32 * first_of_group(i) + 32; }
  std::size_t first_of_group(std::size_t i) const noexcept {
    std::size_t first = 0;
    while (data_[first].group() != data_[i].group()) ++first;
    return first;
  }

  profile_data const& data_;
  text_out& out_;
};

}}}  // namespace zmm::detail
