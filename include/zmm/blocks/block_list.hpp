// Free blocks of one size as a list.
#pragma once

#include <zmm/blocks/free_slot.hpp>

#include <cstddef>
#include <new>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Blocks linked through their first words. Owns nothing: the holder of the list holds the blocks.
///
/// Invariants: count == length of the list from root.next; tail is its last block, or the root if it is empty, and the
/// last block's link is null.
class block_list {
public:
  block_list() noexcept = default;
  block_list(block_list&& other) noexcept { take(other); }
  block_list& operator=(block_list&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }

  bool empty() const noexcept { return count_ == 0; }
  std::size_t size() const noexcept { return count_; }
  free_slot* root() noexcept { return &root_; }
  free_slot* first() const noexcept { return root_.next; }
  free_slot* last() noexcept { return tail_; }

  void clear() noexcept {
    root_.next = nullptr;
    tail_ = &root_;
    count_ = 0;
  }

  void push_front(void* block) noexcept { insert_after(&root_, ::new (block) free_slot{nullptr}, 1); }
  void push_back(void* block) noexcept {
    tail_ = tail_->next = ::new (block) free_slot{nullptr};
    ++count_;
  }
  /// Requires: not empty.
  void* pop_front() noexcept {
    free_slot* const block = root_.next;
    root_.next = block->next;
    if (--count_ == 0) tail_ = &root_;
    return block;
  }

  /// Effects: links the `count` blocks [first, last], linked already, behind `before`.
  void insert_after(free_slot* before, free_slot* first, free_slot* last, std::size_t count) noexcept {
    if (count == 0) return;
    last->next = before->next;
    before->next = first;
    if (tail_ == before) tail_ = last;
    count_ += count;
  }

  /// Effects: takes up to `most` blocks off the front of the list that starts at `head` and adds them at the end.
  void take_front(free_slot*& head, std::size_t most) noexcept {
    free_slot* last = nullptr;
    std::size_t count = 0;
    for (free_slot* next = head; next != nullptr && count != most; next = next->next, ++count) last = next;
    if (count == 0) return;
    free_slot* const first = head;
    head = last->next;
    insert_after(tail_, first, last, count);
  }

  /// Effects: adds `count` blocks of `bytes` each, one behind the other from `block` on, at the end.
  void append_run(char* block, std::size_t bytes, std::size_t count) noexcept {
    if (count == 0) return;
    free_slot* last = tail_;
    for (char* const end = block + count * bytes; block != end; block += bytes)
      last = last->next = ::new (static_cast<void*>(block)) free_slot;
    last->next = nullptr;
    tail_ = last;
    count_ += count;
  }

  /// Effects: puts all blocks in front of the list that starts at `head`; this one is empty then. Complexity: O(1).
  void give_all(free_slot*& head) noexcept {
    if (empty()) return;
    tail_->next = head;
    head = root_.next;
    clear();
  }

  /// Effects: takes off the `count` blocks behind `before`, up to and including `last`. They stay linked.
  void remove_after(free_slot* before, free_slot* last, std::size_t count) noexcept {
    if (count == 0) return;
    before->next = last->next;
    if (tail_ == last) tail_ = before;
    count_ -= count;
  }

private:
  void insert_after(free_slot* before, free_slot* block, std::size_t count) noexcept {
    insert_after(before, block, block, count);
  }

  void take(block_list& other) noexcept {
    root_ = other.root_;
    tail_ = other.empty() ? &root_ : other.tail_;
    count_ = other.count_;
    other.clear();
  }

  free_slot root_{nullptr};
  free_slot* tail_ = &root_;
  std::size_t count_ = 0;
};

}}}  // namespace zmm::detail
