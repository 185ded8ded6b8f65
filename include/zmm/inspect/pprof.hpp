// A profile for pprof: a protocol buffers message, in a gzip file of stored (uncompressed) blocks.
#pragma once
#include <zmm/inspect/profile_data.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Counts the bytes that would be written.
class byte_counter {
public:
  void put(char) noexcept { ++count_; }
  std::size_t count() const noexcept { return count_; }

private:
  std::size_t count_ = 0;
};

/// CRC-32 of four bits.
struct crc_table {
  std::uint32_t of[16] = {};
};
constexpr crc_table make_crc_table() noexcept {
  crc_table table{};
  for (std::uint32_t n = 0; n < 16; ++n) {
    table.of[n] = n;
    for (int bit = 0; bit < 4; ++bit) table.of[n] = table.of[n] >> 1 ^ ((table.of[n] & 1) != 0 ? 0xEDB88320U : 0);
  }
  return table;
}
inline constexpr crc_table crc_nibbles = make_crc_table();

/// A gzip file with one member, which is stored: a heap should not bring a compressor.
class gzip_out {
public:
  explicit gzip_out(text_out& out) noexcept : out_(out) {
    out_.bytes("\x1F\x8B\x08\0\0\0\0\0\0\xFF", 10);  // deflate, no name, no time, any system
  }
  void put(char c) {
    if (used_ == sizeof buffer_) write_block(false);
    buffer_[used_++] = c;
    crc_ ^= static_cast<unsigned char>(c);
    for (int half = 0; half < 2; ++half) crc_ = crc_ >> 4 ^ crc_nibbles.of[crc_ & 15];
    ++size_;
  }
  void finish() {
    write_block(true);
    little_endian(~crc_, 4);
    little_endian(size_, 4);
  }

private:
  void write_block(bool is_last) {
    out_.put(is_last ? '\1' : '\0');
    little_endian(used_, 2);
    little_endian(~used_, 2);
    out_.bytes(buffer_, used_);
    used_ = 0;
  }
  void little_endian(std::uint64_t number, int bytes) {
    for (; bytes != 0; --bytes, number >>= 8) out_.put(static_cast<char>(number & 255));
  }

  text_out& out_;
  std::uint32_t crc_ = ~std::uint32_t{0};
  std::size_t size_ = 0, used_ = 0;
  char buffer_[1024];
};

/// Writes protocol buffers, as far as a profile needs them.
template <class Out> class proto_writer {
public:
  explicit proto_writer(Out& out) noexcept : out_(out) {}

  void varint(std::uint64_t number) {
    for (; number >= 128; number >>= 7) out_.put(static_cast<char>(number | 128));
    out_.put(static_cast<char>(number));
  }
  void number(unsigned field, std::uint64_t value) {
    varint(field << 3);
    varint(value);
  }
  /// Writes a message, a string or packed numbers: what inside(writer) writes. Calls it twice, first to count the length.
  template <class Inside> void message(unsigned field, Inside inside) {
    byte_counter length;
    proto_writer<byte_counter> counting(length);
    inside(counting);
    varint(field << 3 | 2);
    varint(length.count());
    inside(*this);
  }
  void text(unsigned field, char const* value) {
    message(field, [&](auto& to) { to << value; });
  }

  proto_writer& operator<<(char const* text) {
    while (*text != '\0') out_.put(*text++);
    return *this;
  }
  proto_writer& operator<<(char c) {
    out_.put(c);
    return *this;
  }
  proto_writer& operator<<(std::size_t number) {
    if (number >= 10) *this << number / 10;
    out_.put(static_cast<char>('0' + number % 10));
    return *this;
  }

private:
  Out& out_;
};

/// Field numbers are profile.proto's.
class pprof_writer {
public:
  pprof_writer(profile_data const& data, gzip_out& out) noexcept : data_(data), to_(out) {}

  void write() {
    value_type(1, alloc_objects, count);
    value_type(1, alloc_space, bytes);
    value_type(1, inuse_objects, count);
    value_type(1, inuse_space, bytes);
    for (std::size_t i = 0; i < data_.size(); ++i) sample(i);
    mappings();
    for (std::size_t i = 0; i < data_.size(); ++i) {
      if (data_[i].has_name()) location(place_id(i), data_[i].line);
      if (data_[i].group() != nullptr) location(group_id(i), 0);
    }
    std::size_t const frames = data_.frames().size();
    for (std::size_t n = 0; n < frames; ++n) address(first_frame_id() + n, data_.frames()[n]);
    for (std::size_t i = 0; i < data_.size(); ++i) {
      if (data_[i].has_name()) function(place_id(i), name_text(i), file_text(i));
      if (data_[i].group() != nullptr) function(group_id(i), group_text(i), 0);
    }
    for (std::size_t n = 0; n < frames; ++n) function(first_frame_id() + n, frame_text(n), 0);
    for (char const* text : texts) to_.text(6, text);
    for (profile_entry const& e : data_) {
      to_.message(6, [&](auto& text) { e.write_name(text); });
      to_.text(6, e.file != nullptr ? e.file : "");
      to_.text(6, e.group() != nullptr ? e.group() : "");
    }
    for (std::size_t i = 0; i < data_.mappings().size(); ++i) to_.text(6, data_.mappings().file(i));
    for (std::size_t n = 0; n < frames; ++n)
      to_.message(6, [&](auto& text) { data_.mappings().write_place(text, data_.frames()[n]); });
    to_.number(7, own_frames);
    value_type(11, space, bytes);
    to_.number(12, data_.period());
    to_.number(14, inuse_space);
  }

private:
  enum fixed_text { none, alloc_objects, alloc_space, inuse_objects, inuse_space, count, bytes, space, label, program,
                    own_frames };
  static constexpr char const* texts[] = {"",      "alloc_objects", "alloc_space", "inuse_objects", "inuse_space",
                                          "count", "bytes",         "space",       "label",         "zmm",
                                          "zmm::.*"};
  static constexpr std::size_t fixed = sizeof texts / sizeof texts[0];
  static_assert(fixed == own_frames + 1);

  static std::size_t name_text(std::size_t i) noexcept { return fixed + 3 * i; }
  static std::size_t file_text(std::size_t i) noexcept { return fixed + 3 * i + 1; }
  static std::size_t group_text(std::size_t i) noexcept { return fixed + 3 * i + 2; }
  // An id stands for a location and for its function; so does a frame's id.
  static std::size_t place_id(std::size_t i) noexcept { return 2 * i + 1; }
  static std::size_t group_id(std::size_t i) noexcept { return 2 * i + 2; }
  std::size_t first_frame_id() const noexcept { return 2 * data_.size() + 1; }
  std::size_t mapping_text(std::size_t i) const noexcept { return fixed + 3 * data_.size() + i; }
  std::size_t frame_text(std::size_t number) const noexcept { return mapping_text(data_.mappings().size()) + number; }

  void value_type(unsigned field, fixed_text type, fixed_text unit) {
    to_.message(field, [&](auto& v) {
      v.number(1, type);
      v.number(2, unit);
    });
  }
  /// The first mapping is for names that need no symbols. The others are the program's files, which tools read symbols from.
  void mappings() {
    to_.message(3, [](auto& m) {
      m.number(1, 1);
      m.number(5, program);
      for (unsigned has : {7U, 8U, 9U}) m.number(has, 1);
    });
    for (std::size_t i = 0; i < data_.mappings().size(); ++i) {
      code_mapping const& file = data_.mappings()[i];
      to_.message(3, [&](auto& m) {
        m.number(1, i + 2);
        m.number(2, file.start);
        m.number(3, file.limit);
        m.number(4, file.offset);
        m.number(5, mapping_text(i));
      });
    }
  }
  /// A location whose function tools look up in the file of its mapping. Tools that do not show its place as the name.
  void address(std::size_t id, std::uintptr_t at) {
    std::size_t const mapping = data_.mappings().find(at);
    to_.message(4, [&](auto& l) {
      l.number(1, id);
      if (mapping != data_.mappings().size()) l.number(2, mapping + 2);
      l.number(3, at);
      l.message(4, [&](auto& where) { where.number(1, id); });
    });
  }
  void sample(std::size_t i) {
    profile_entry const& e = data_[i];
    to_.message(2, [&](auto& s) {
      s.message(1, [&](auto& ids) {  // the leaf first
        if (e.has_name()) ids.varint(place_id(i));
        for (std::size_t k = 0; k < e.frames(); ++k) ids.varint(first_frame_id() + data_.frames().number(e.frame(k)));
        if (e.group() != nullptr) ids.varint(group_id(i));
      });
      s.message(2, [&](auto& values) {
        for (std::size_t value : {e.allocated, e.allocated_bytes, e.blocks, e.bytes}) values.varint(value);
      });
      if (e.label == nullptr) return;
      s.message(3, [&](auto& l) {
        l.number(1, label);
        l.number(2, group_text(i));
      });
    });
  }
  void location(std::size_t id, std::size_t line) {
    to_.message(4, [&](auto& l) {
      l.number(1, id);
      l.number(2, 1);
      l.message(4, [&](auto& where) {
        where.number(1, id);
        if (line != 0) where.number(2, line);
      });
    });
  }
  void function(std::size_t id, std::size_t name, std::size_t file) {
    to_.message(5, [&](auto& f) {
      f.number(1, id);
      f.number(2, name);
      f.number(3, name);
      if (file != 0) f.number(4, file);
    });
  }

  profile_data const& data_;
  proto_writer<gzip_out> to_;
};

inline void write_pprof(profile_data const& data, text_out& out) {
  gzip_out zipped(out);
  pprof_writer(data, zipped).write();
  zipped.finish();
}

}}}  // namespace zmm::detail
