// The first few of many items, by key: for walks that resume where they were, although everything may have changed
// meanwhile.
#pragma once
#include <zmm/storage/os_storage.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The items with the lowest keys above a bound, of however many are offered, ordered by Item::key(). They lie in
/// memory from the system, not from any heap; without that, a few lie in the object itself. Complexity: offer() O(log).
template <class Item, std::size_t Few = 64> class lowest_items {
public:
  /// `most`: how many there are room for, if the system has memory.
  explicit lowest_items(std::size_t most) noexcept : bytes_(align_up(most * sizeof(Item), os_page_size())) {
    if (most > Few) mapped_ = os_storage().allocate(bytes_, os_page_size(), bytes_);
    items_ = mapped_ != nullptr ? static_cast<Item*>(mapped_) : few_;
    most_ = mapped_ != nullptr || most < Few ? most : Few;
    if (most_ == 0) most_ = 1;
  }
  ~lowest_items() {
    if (mapped_ != nullptr) os_storage().deallocate(mapped_, bytes_, bytes_);
  }
  lowest_items(lowest_items const&) = delete;
  lowest_items& operator=(lowest_items const&) = delete;

  std::size_t size() const noexcept { return count_; }
  Item& operator[](std::size_t i) noexcept { return items_[i]; }
  Item* begin() noexcept { return items_; }
  Item* end() noexcept { return items_ + count_; }

  /// Effects: empties it; from now on items with a key of `bound` or less are not taken.
  void start(std::uint64_t bound) noexcept {
    bound_ = bound;
    count_ = 0;
    left_out_ = is_sorted_ = false;
  }
  void offer(Item const& item) noexcept {
    if (item.key() <= bound_) return;
    if (count_ == most_) {
      left_out_ = true;
      if (item.key() >= items_[0].key()) return;
      items_[0] = item;
      return sink(0, count_);
    }
    std::size_t i = count_++;
    items_[i] = item;
    for (; i != 0 && items_[(i - 1) / 2].key() < items_[i].key(); i = (i - 1) / 2) swap(i, (i - 1) / 2);
  }
  /// Effects: they are in order. To be called when all were offered.
  void sort() noexcept {
    if (is_sorted_) return;
    is_sorted_ = true;
    for (std::size_t end = count_; end > 1; --end) {
      swap(0, end - 1);
      sink(0, end - 1);
    }
  }
  /// The item of this key; null if it is not here. Requires: in order.
  Item* find(std::uint64_t key) noexcept {
    std::size_t first = 0, last = count_;
    while (first != last) {
      std::size_t const middle = first + (last - first) / 2;
      if (items_[middle].key() == key) return &items_[middle];
      if (items_[middle].key() < key) first = middle + 1;
      else last = middle;
    }
    return nullptr;
  }

  /// Effects: calls look(), which offers all items there are and may sort and use those that were taken; then calls
  /// tell(item) for each of these, in order; then both again for the items above them, as long as some were left out.
  /// Returns: false once tell() did.
  template <class Look, class Tell> bool walk(Look look, Tell tell) {
    for (std::uint64_t bound = 0;; bound = items_[count_ - 1].key()) {
      start(bound);
      look();
      sort();
      for (Item& item : *this) {
        if (!tell(item)) return false;
      }
      if (!left_out_) return true;
    }
  }

private:
  /// While items are offered they form a binary heap with the highest in front.
  void sink(std::size_t i, std::size_t end) noexcept {
    for (;;) {
      std::size_t child = 2 * i + 1;
      if (child >= end) return;
      if (child + 1 < end && items_[child + 1].key() > items_[child].key()) ++child;
      if (items_[i].key() >= items_[child].key()) return;
      swap(i, child);
      i = child;
    }
  }
  void swap(std::size_t a, std::size_t b) noexcept {
    Item const moved = items_[a];
    items_[a] = items_[b];
    items_[b] = moved;
  }

  Item* items_;
  std::size_t most_, count_ = 0, bytes_;
  std::uint64_t bound_ = 0;
  void* mapped_ = nullptr;
  bool left_out_ = false;  ///< an item above the bound was offered that is not here
  bool is_sorted_ = false;
  Item few_[Few];
};

}}}  // namespace zmm::detail
