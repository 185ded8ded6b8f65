// Walks the stack by remembered rules: a few instructions a frame, where the unwinder of exceptions takes thousands.
//
//     walk ─ (for each frame) rule_at ─ (not met before) read_rule ─ frame_program
//
// The compiler describes for each place of a program where the frame of the function ends and where it has saved the caller's
// registers, as a small program (DWARF, section .eh_frame). For nearly all places two numbers come of it. They are worked out
// once for each place that calls return to. Where more is needed, or a place is a signal's, the unwinder has to walk.
#pragma once

#include <zmm/base/atomic.hpp>
#include <zmm/base/system/frame_program.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

extern "C" {
/// The description of the function that `pc` lies in; null: none. `bases[2]` is where the function begins.
[[gnu::weak]] unsigned char const* zmm_find_description(void const* pc, void const* bases[3]) __asm__("_Unwind_Find_FDE");
}

/// The rules that were met, by place. Any thread, without a lock: both words of an entry are needed to tell its place.
class frame_rules {
public:
  /// Effects: puts the places that the calls of this stack return to in front of `to`, from `pc` on, the innermost first.
  /// Returns: their number; 0: the unwinder has to walk. `stack`, `base`: the registers of the function that `pc` lies in.
  std::size_t walk(std::uintptr_t pc, std::uintptr_t stack, std::uintptr_t base, std::uintptr_t* to, std::size_t most) noexcept {
    if (zmm_find_description == nullptr) return 0;
    std::size_t count = 0;
    while (pc != 0 && count < most) {
      frame_rule const rule = rule_at(pc);
      if (rule.kind() == frame_rule::hard) return 0;
      to[count++] = pc;
      if (rule.kind() == frame_rule::outermost) break;
      std::uintptr_t const end = (rule.kind() == frame_rule::by_base ? base : stack) + rule.frame();
      if (end <= stack || end % 8 != 0) return 0;  // no frame ends inside the one that it called
      pc = word_at(end - 8);
      if (rule.saved() != 0) base = word_at(end - rule.saved());
      stack = end;
    }
    return count;
  }

private:
  struct entry {
    atomic<std::uint64_t> mixed;  ///< place ^ rule
    atomic<std::uint64_t> rule;
  };
  static constexpr std::size_t entries = 4096;

  static std::uintptr_t word_at(std::uintptr_t address) noexcept {
    std::uintptr_t word;
    std::memcpy(&word, reinterpret_cast<void const*>(address), sizeof word);
    return word;
  }
  frame_rule rule_at(std::uintptr_t pc) noexcept {
    entry& e = entries_[(pc * 0x9E3779B97F4A7C15U >> 32) % entries];
    frame_rule const kept{e.rule.load(memory_order_relaxed)};
    if ((e.mixed.load(memory_order_relaxed) ^ kept.bits()) == pc && kept.has_code_at(pc)) return kept;
    return read_rule(e, pc);
  }
  ZMM_COLD static frame_rule read_rule(entry& e, std::uintptr_t pc) noexcept {
    void const* bases[3] = {};
    auto const* const description = zmm_find_description(reinterpret_cast<void const*>(pc - 1), bases);
    if (description == nullptr) return frame_rule::make(frame_rule::outermost, 0, 0);
    frame_rule const found =
        frame_program::run(description, reinterpret_cast<std::uintptr_t>(bases[2]), pc - 1).with_code_at(pc);
    e.rule.store(found.bits(), memory_order_relaxed);
    e.mixed.store(pc ^ found.bits(), memory_order_relaxed);
    return found;
  }

  entry entries_[entries];
};
ZMM_SHARED ZMM_CONSTINIT inline frame_rules the_frame_rules{};

}}}  // namespace zmm::detail
