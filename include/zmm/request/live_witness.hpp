// What a request remembers of its last look at its free blocks, so that a refusal need not look at them again.
#pragma once

#include <zmm/base/size_classes.hpp>
#include <zmm/blocks/free_links.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Remembers the bin that had the most live blocks at the last look, and marks some slots of its free list, each with
/// the length of the list from there on. So the list's length now is known without a walk to its end: the steps to the
/// first marked slot, and the length noted with it. Each mark lies eight times as deep as the one before, so that one
/// is found after as many steps as slots were freed since, and eight times as many as were taken off.
///
/// A marked slot counts as being where it was if its link is unchanged, which may be so by chance although the list
/// behind it has changed. So each question also earns a few steps towards another look, and only a look decides that
/// everything is free.
class live_witness {
public:
  bool is_set() const noexcept { return set_; }
  bin_index bin() const noexcept { return bin_; }
  bool wide() const noexcept { return wide_; }
  bool is(bin_index bin, bool wide) const noexcept { return set_ && bin_.value == bin.value && wide_ == wide; }
  /// Whether the last look found a live block anywhere. Requires: is_set().
  bool saw_live() const noexcept { return live_ != 0; }

  void forget() noexcept { set_ = false; }
  /// A look has found `live` blocks of the bin, and `length` free ones. Effects: the bin with the most live ones is kept.
  void offer(bin_index bin, bool wide, std::size_t live, std::size_t length) noexcept {
    if (set_ && live <= live_) return;
    set_ = true;
    bin_ = bin;
    wide_ = wide;
    live_ = live;
    length_ = length;
  }
  /// Before mark(): `count` of the bin's free blocks are gone.
  void shorten(std::size_t count) noexcept { length_ -= count; }
  /// Effects: the look is over; the bin's list begins at `head`, and `all` blocks are free in all bins. Requires: is_set().
  /// Complexity: an eighth of the list.
  template <class Links> void mark(Links const& links, free_slot* head, std::size_t all) noexcept {
    all_ = all;
    earned_ = 0;
    depth_ = 0;
    std::size_t const part = length_ / 8 + 1 > first_steps ? length_ / 8 + 1 : first_steps;
    mark_front(links, head, length_, part < length_ ? part : length_, 0);
  }

  /// Whether another look may find more: much was freed since the last one; or, with `dead_counts`, everything may be
  /// free; or it was asked so often that a look is paid for. `unchanged`: nothing seems to have changed since the last
  /// look. Requires: is_set(). Complexity: amortised, linear in the blocks freed and taken since.
  template <class Links>
  bool is_look_due(Links const& links, free_slot* head, std::size_t carved, bool unchanged, bool dead_counts) noexcept {
    if ((earned_ += unchanged ? 16 : 64) >= all_ + first_steps) return true;
    if (unchanged) return dead_counts && live_ == 0;
    std::size_t length = 0;
    if (!find_length(links, head, length)) return true;
    return (dead_counts && length >= carved) || length >= length_ + all_ / 8 + first_steps;
  }

private:
  static constexpr std::size_t first_steps = 2048, most_marks = 8;
  struct marked {
    free_slot *slot, *next;
    std::size_t length;  ///< slots from this one on
  };

  template <class Links> bool find_length(Links const& links, free_slot* head, std::size_t& length) noexcept {
    std::size_t const most = all_ / 8 > first_steps ? all_ / 8 : first_steps;
    free_slot* slot = head;
    for (std::size_t steps = 0; steps <= most; ++steps) {
      if (slot == nullptr) {
        mark_front(links, head, length = steps, steps, depth_);
        return true;
      }
      free_slot* const next = links.next(slot, bin_);
      for (std::size_t i = 0; i < depth_; ++i) {
        if (marks_[i].slot != slot || marks_[i].next != next) continue;
        mark_front(links, head, length = steps + marks_[i].length, steps, i);
        return true;
      }
      slot = next;
    }
    return false;
  }

  /// Effects: of the first `steps` slots of the list, 0, 8, 64, … are marked; deeper marks stay, from number `kept` on.
  /// Requires: steps <= length.
  template <class Links>
  void mark_front(Links const& links, free_slot* head, std::size_t length, std::size_t steps, std::size_t kept) noexcept {
    marked fresh[most_marks];
    std::size_t count = 0, next_mark = 0;
    free_slot* slot = head;
    for (std::size_t at = 0; next_mark < steps && count != most_marks; ++at) {
      free_slot* const next = links.next(slot, bin_);
      if (at == next_mark) {
        fresh[count++] = {slot, next, length - at};
        next_mark = at == 0 ? 8 : at * 8;
      }
      slot = next;
    }
    for (; kept < depth_ && count != most_marks; ++kept) {
      std::size_t const at = length - marks_[kept].length;
      if (at < next_mark && kept + 1 != depth_) continue;
      fresh[count++] = marks_[kept];
      next_mark = at == 0 ? 8 : at * 8;
    }
    for (std::size_t i = 0; i < count; ++i) marks_[i] = fresh[i];
    depth_ = count;
  }

  marked marks_[most_marks];
  std::size_t depth_;   ///< marks, the front of the list first
  std::size_t live_, length_, all_, earned_;
  bin_index bin_;
  bool wide_;
  bool set_ = false;  ///< until then nothing else here means anything
};

}}}  // namespace zmm::detail
