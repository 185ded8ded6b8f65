// Free blocks of one size as a list: what bulk allocation hands out and takes back.
#pragma once

#include <zmm/heap/free_slot.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace zmm { inline namespace ZMM_ABI {
namespace detail {

/// Blocks linked through their first words. Owns nothing: whoever holds the list holds the blocks.
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

  /// Effects: takes the `count` blocks behind `before`, up to and with `last`, off. They stay linked.
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

}  // namespace detail

/// A list of blocks for objects of type T, linked through the blocks themselves: the `multiallocation_chain` of
/// zmm::allocator, which allocate_individual() fills and deallocate_individual() empties. Holds no object and owns no
/// block. Movable. An iterator points to where an object may be built; it has to move on before one is.
template <class T> class block_chain {
  using slot = detail::free_slot;

public:
  using value_type = T;
  using size_type = std::size_t;
  using pointer = T*;
  using pointer_pair = std::pair<T*, T*>;

  class iterator {
  public:
    struct iterator_category {
    };  // goes forward only; the standard's tags would bring in <iterator>, and <string> with it
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = T*;
    using reference = std::add_lvalue_reference_t<T>;

    iterator() noexcept = default;
    /// Boost forms `&*it` at the end of a chain of which it then uses no block: a null reference, as with its own.
    __attribute__((no_sanitize("undefined"))) reference operator*() const noexcept { return *operator->(); }
    T* operator->() const noexcept { return static_cast<T*>(static_cast<void*>(at_)); }
    iterator& operator++() noexcept {
      at_ = at_->next;
      return *this;
    }
    iterator operator++(int) noexcept {
      iterator const before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(iterator a, iterator b) noexcept { return a.at_ == b.at_; }
    friend bool operator!=(iterator a, iterator b) noexcept { return a.at_ != b.at_; }

  private:
    friend class block_chain;
    explicit iterator(slot* at) noexcept : at_(at) {}
    slot* at_ = nullptr;
  };

  bool empty() const noexcept { return list_.empty(); }
  size_type size() const noexcept { return list_.size(); }
  void clear() noexcept { list_.clear(); }  ///< forgets the blocks; their links stay

  iterator before_begin() noexcept { return iterator(list_.root()); }
  iterator begin() noexcept { return iterator(list_.first()); }
  iterator end() noexcept { return iterator(); }
  iterator last() noexcept { return iterator(list_.last()); }  ///< before_begin() if empty

  void push_front(T* block) noexcept { list_.push_front(block); }
  void push_back(T* block) noexcept { list_.push_back(block); }
  T* pop_front() noexcept { return static_cast<T*>(list_.pop_front()); }  ///< Requires: not empty.

  /// Effects: adds `count` blocks that are linked from `first` to `last` behind `after`. None: no effect.
  void incorporate_after(iterator after, T* first, T* last, size_type count) noexcept {
    list_.insert_after(after.at_, as_slot(first), as_slot(last), count);
  }
  /// Effects: moves the `count` blocks of `from` behind `before_first`, up to and with `last`, behind `after`.
  void splice_after(iterator after, block_chain& from, iterator before_first, iterator last, size_type count) noexcept {
    if (count == 0) return;
    slot* const first = before_first.at_->next;
    from.list_.remove_after(before_first.at_, last.at_, count);
    list_.insert_after(after.at_, first, last.at_, count);
  }
  /// Effects: empties the chain; the blocks stay linked. Returns: the first and the last block; nulls if empty.
  pointer_pair extract_data() noexcept {
    if (empty()) return {nullptr, nullptr};
    pointer_pair const ends(begin().operator->(), last().operator->());
    clear();
    return ends;
  }

  detail::block_list& list() noexcept { return list_; }  ///< for allocators

private:
  static slot* as_slot(T* block) noexcept { return static_cast<slot*>(static_cast<void*>(block)); }

  detail::block_list list_;
};

}}  // namespace zmm
