// What bulk allocation hands out and takes back: a list of blocks, typed.
#pragma once

#include <zmm/blocks/block_list.hpp>

#include <type_traits>

namespace zmm { inline namespace ZMM_ABI {

/// A list of blocks for objects of type T, linked through the blocks themselves: the `multiallocation_chain` of
/// zmm::allocator, which allocate_individual() fills and deallocate_individual() empties. Holds no object and owns no
/// block. Movable. An iterator points to a block. Advance it before an object is built there: that overwrites the link.
template <class T> class block_chain {
  using slot = detail::free_slot;

public:
  using value_type = T;
  using size_type = std::size_t;
  using pointer = T*;
  /// Two pointers. Turns into std::pair<T*, T*>, which Boost.Container up to 1.80 asks for, without bringing in `<utility>`.
  struct pointer_pair {
    T *first, *second;
    template <class Pair, class = typename Pair::second_type> operator Pair() const { return Pair(first, second); }
  };

  class iterator {
  public:
    struct iterator_category {
    };  // goes forward only; the standard's tags would bring in <iterator>, and <string> with it
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = T*;
    using reference = std::add_lvalue_reference_t<T>;

    iterator() noexcept = default;
    /// Boost forms `&*it` at the end of a chain, but does not use it: a null reference, as with Boost's own chains.
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

  /// Effects: adds `count` blocks that are linked from `first` to `last` behind `after`. `count` 0: no effect.
  void incorporate_after(iterator after, T* first, T* last, size_type count) noexcept {
    list_.insert_after(after.at_, as_slot(first), as_slot(last), count);
  }
  /// Effects: moves the `count` blocks of `from` that follow `before_first`, up to and including `last`, to behind
  /// `after`.
  void splice_after(iterator after, block_chain& from, iterator before_first, iterator last, size_type count) noexcept {
    if (count == 0) return;
    slot* const first = before_first.at_->next;
    from.list_.remove_after(before_first.at_, last.at_, count);
    list_.insert_after(after.at_, first, last.at_, count);
  }
  /// Effects: empties the chain; the blocks stay linked. Returns: the first and the last block; nulls if empty.
  pointer_pair extract_data() noexcept {
    if (empty()) return {nullptr, nullptr};
    pointer_pair const ends{begin().operator->(), last().operator->()};
    clear();
    return ends;
  }

  detail::block_list& list() noexcept { return list_; }  ///< for allocators

private:
  static slot* as_slot(T* block) noexcept { return static_cast<slot*>(static_cast<void*>(block)); }

  detail::block_list list_;
};

}}  // namespace zmm
