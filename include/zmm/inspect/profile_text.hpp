// A profile as text: folded stacks, and the files of heaptrack and massif.
#pragma once
#include <zmm/inspect/profile_data.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Text for formats in which some characters have a meaning: what `Replace` says is written in place of these, and blanks in place of
/// control characters.
template <class Replace> class replacing_text {
public:
  replacing_text(text_out& out, Replace replace) noexcept : out_(out), replace_(replace) {}
  replacing_text& operator<<(char const* text) {
    for (; *text != '\0'; ++text) *this << *text;
    return *this;
  }
  replacing_text& operator<<(char c) {
    bool const is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    out_.put(is_control ? ' ' : replace_(c));
    return *this;
  }
  template <class N, class = std::enable_if_t<std::is_unsigned_v<N>>> replacing_text& operator<<(N number) {
    out_ << number;
    return *this;
  }

private:
  text_out& out_;
  Replace const replace_;
};
/// A comma stands for the format's separator.
struct replace_separator {
  char separator;
  char operator()(char c) const noexcept { return c == separator ? ',' : c; }
};
using plain_text = replacing_text<replace_separator>;

/// "label;outer frame;inner frame;place bytes"
inline void write_folded(profile_data const& data, text_out& out) {
  plain_text text(out, {';'});
  for (profile_entry const& e : data) {
    if (e.bytes == 0) continue;
    if (e.group() != nullptr) {
      text << e.group();
      out << ';';
    }
    for (std::size_t i = e.frames(); i-- != 0;) {
      data.mappings().write_place(text, e.frame(i));
      if (i != 0 || e.has_name()) out << ';';
    }
    if (e.has_name()) e.write_name(text);
    out << ' ' << e.bytes << '\n';
  }
}

/// Version 2 of heaptrack's interpreted file; all numbers are hexadecimal. Each live block is an event. Of a place's blocks only
/// their number and the sum of their bytes are known, so they get two sizes that differ by 1 and add up to the sum.
class heaptrack_writer {
public:
  heaptrack_writer(profile_data const& data, text_out& out) noexcept : data_(data), out_(out), text_(out, {'\0'}) {}

  void write() {
    out_ << "v 10400 2\nX zmm\nI 1000 0\ns zmm\n";
    for (profile_entry const& e : data_) {
      if (e.blocks != 0) write(e);
    }
    line('c', 0);
  }

private:
  void write(profile_entry const& e) {
    std::size_t parent = 0;
    if (e.group() != nullptr) {
      std::size_t const name = text([&] { text_ << e.group(); });
      parent = trace(frame(name), 0);
    }
    for (std::size_t i = e.frames(); i-- != 0;)
      parent = trace(frame(text([&] { data_.mappings().write_place(text_, e.frame(i)); })), parent);
    std::size_t const at = e.has_name() ? named(e, parent) : parent;
    std::size_t const larger = e.bytes % e.blocks;
    events(e.bytes / e.blocks, e.blocks - larger, at);
    events(e.bytes / e.blocks + 1, larger, at);
  }
  // Each returns the index of what it defines; the first text is the program's name.
  std::size_t named(profile_entry const& e, std::size_t parent) {
    std::size_t const name = text([&] { e.write_name(text_); });
    std::size_t const file = e.file != nullptr ? text([&] { text_ << e.file; }) : 0;
    return trace(file != 0 ? frame(name, file, e.line) : frame(name), parent);
  }
  template <class Write> std::size_t text(Write write_it) {
    out_ << "s ";
    write_it();
    out_ << '\n';
    return ++texts_;
  }
  template <class... N> std::size_t frame(N... name_and_place) {
    ++frames_;
    line('i', frames_ << 4, 1, name_and_place...);
    return frames_;
  }
  std::size_t trace(std::size_t frame, std::size_t parent) {
    line('t', frame, parent);
    return ++traces_;
  }
  void events(std::size_t bytes, std::size_t count, std::size_t at) {
    if (count == 0) return;
    line('a', bytes, at);
    for (; count != 0; --count) line('+', sizes_);
    ++sizes_;
  }
  template <class... N> void line(char what, N... numbers) {
    out_ << what;
    ((out_ << ' ').hex_digits(static_cast<std::size_t>(numbers)), ...);
    out_ << '\n';
  }

  profile_data const& data_;
  text_out& out_;
  plain_text text_;
  std::size_t texts_ = 1, frames_ = 0, traces_ = 0, sizes_ = 0;
};

/// One snapshot. Bytes taken from storage that are not in live blocks are massif's "extra".
class massif_writer {
public:
  massif_writer(profile_data const& data, text_out& out) noexcept : data_(data), out_(out), text_(out, {'\0'}) {}

  void write() {
    out_ << "desc: zmm\ncmd: zmm\ntime_unit: B\n";
    snapshot(0, 0, 0, "empty");
    snapshot(1, data_.live_bytes(), data_.other_bytes(), "peak");
    out_ << 'n' << children(nullptr) << ": " << data_.live_bytes() << " live blocks\n";
    for (std::size_t i = 0; i < data_.size(); ++i) {
      profile_entry const& e = data_[i];
      if (e.bytes == 0 || !is_first(i)) continue;
      if (e.group() == nullptr) {
        leaf(e, " ");
        continue;
      }
      std::size_t sum = 0;
      for_each_of(e.group(), [&](profile_entry const& one) { sum += one.bytes; });
      out_ << " n" << children(e.group()) << ": " << sum << ' ';
      text_ << e.group();
      out_ << '\n';
      for_each_of(e.group(), [&](profile_entry const& one) { leaf(one, "  "); });
    }
  }

private:
  void snapshot(int number, std::size_t live, std::size_t other, char const* tree) {
    out_ << "#-----------\nsnapshot=" << number << "\n#-----------\ntime=" << live << "\nmem_heap_B=" << live
         << "\nmem_heap_extra_B=" << other << "\nmem_stacks_B=0\nheap_tree=" << tree << '\n';
  }
  /// The place that allocated, below it its caller, and so on.
  void leaf(profile_entry const& e, char const* indent) {
    std::size_t const depth = e.frames() + (e.has_name() ? 1 : 0);
    for (std::size_t level = 0; level < depth; ++level) {
      out_ << indent;
      for (std::size_t i = 0; i < level; ++i) out_ << ' ';
      out_ << (level + 1 < depth ? "n1: " : "n0: ") << e.bytes << ' ';
      if (e.has_name() && level == 0) e.write_name(text_);
      else data_.mappings().write_place(text_, e.frame(e.has_name() ? level - 1 : level));
      out_ << '\n';
    }
  }
  template <class Visit> void for_each_of(char const* group, Visit visit) const {
    for (profile_entry const& e : data_) {
      if (e.bytes != 0 && e.group() == group) visit(e);
    }
  }
  /// Whether no earlier line with live blocks is of the same group; true for a line without a group.
  bool is_first(std::size_t i) const noexcept {
    for (std::size_t j = 0; j < i && data_[i].group() != nullptr; ++j) {
      if (data_[j].bytes != 0 && data_[j].group() == data_[i].group()) return false;
    }
    return true;
  }
  /// Returns: the number of children of a group; null: of the root.
  std::size_t children(char const* group) const noexcept {
    std::size_t count = 0;
    for (std::size_t i = 0; i < data_.size(); ++i) {
      if (data_[i].bytes != 0) count += group != nullptr ? data_[i].group() == group : is_first(i);
    }
    return count;
  }

  profile_data const& data_;
  text_out& out_;
  plain_text text_;
};

}}}  // namespace zmm::detail
