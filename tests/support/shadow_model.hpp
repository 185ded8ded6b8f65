// What a heap should hold: every live block, filled with a pattern that depends on the block. The pattern is checked
// whenever the block is freed, resized or asked about. So two blocks that share a byte, and lost bytes, are noticed.
#pragma once
#include "random.hpp"
#include <doctest/doctest.h>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace zmm_test {

struct shadow_block {
  unsigned char* p = nullptr;
  std::size_t least = 0;      // the block may be freed with any size in [least, most]
  std::size_t most = 0;
  std::size_t alignment = 1;
  std::uint64_t tag = 0;
};

class shadow_model {
public:
  bool empty() const { return blocks_.empty(); }
  std::size_t count() const { return blocks_.size(); }
  std::size_t asked_bytes() const { return asked_; }
  std::vector<shadow_block> const& blocks() const { return blocks_; }

  // A new block, usable for `bytes`: checks its address and alignment, and fills it.
  void add(void* p, std::size_t bytes, std::size_t alignment) {
    add(shadow_block{static_cast<unsigned char*>(p), bytes, bytes, alignment, 0});
  }
  void add(shadow_block block) {
    if (block.p == nullptr) {
      FAIL_CHECK("no block where one was due");
      return;
    }
    if (reinterpret_cast<std::uintptr_t>(block.p) % block.alignment != 0)
      FAIL_CHECK("block at " << static_cast<void*>(block.p) << " is not aligned to " << block.alignment);
    block.tag = mix(reinterpret_cast<std::uintptr_t>(block.p) ^ mix(++serial_));
    fill(block);
    asked_ += block.most;
    blocks_.push_back(block);
  }

  // Checks all bytes of a block, and removes it from the model.
  shadow_block take(std::size_t index) {
    shadow_block const block = blocks_[index];
    blocks_[index] = blocks_.back();
    blocks_.pop_back();
    asked_ -= block.most;
    check(block, block.most, block.p);
    return block;
  }
  // Puts an unchanged block back.
  void put_back(shadow_block const& block) {
    check(block, block.most, block.p);
    asked_ += block.most;
    blocks_.push_back(block);
  }
  void clear() {
    blocks_.clear();
    asked_ = 0;
  }

  // Checks that the first `bytes` of `block`, now at `place`, hold what they held before.
  static void check(shadow_block const& block, std::size_t bytes, unsigned char const* place) {
    bool same = true;
    for_each_word(block.most, [&](std::size_t at, std::size_t length) {
      std::uint64_t const expected = word(block.tag, at);
      if (at + length <= bytes && std::memcmp(place + at, &expected, length) != 0) same = false;
    });
    if (!same) FAIL_CHECK("contents lost in a block of " << block.most << " bytes at " << static_cast<void const*>(place));
  }
  void check_all() const {
    for (shadow_block const& block : blocks_) check(block, block.most, block.p);
  }

private:
  static std::uint64_t word(std::uint64_t tag, std::size_t at) { return mix(tag + at); }

  static void fill(shadow_block const& block) {
    for_each_word(block.most, [&](std::size_t at, std::size_t length) {
      std::uint64_t const value = word(block.tag, at);
      std::memcpy(block.p + at, &value, length);
    });
  }

  // Small blocks are filled whole, large ones at both ends and at 32 places between.
  template <class F> static void for_each_word(std::size_t bytes, F&& f) {
    if (bytes <= 512) return words(0, bytes, f);
    words(0, 128, f);
    std::size_t const stride = (bytes - 256) / 32 / 8 * 8;
    if (stride >= 8)
      for (std::size_t at = 128; at + 8 <= bytes - 128; at += stride) f(at, std::size_t{8});
    words((bytes - 128) / 8 * 8, bytes, f);
  }
  template <class F> static void words(std::size_t from, std::size_t to, F&& f) {
    for (; from < to; from += 8) f(from, to - from < 8 ? to - from : std::size_t{8});
  }

  std::vector<shadow_block> blocks_;
  std::size_t asked_ = 0;
  std::uint64_t serial_ = 0;
};

}  // namespace zmm_test
