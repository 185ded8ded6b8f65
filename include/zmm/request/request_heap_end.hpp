// The request as a whole: family, end, figures, verification.
#pragma once

#include <zmm/request/request_heap.hpp>

namespace zmm { inline namespace ZMM_ABI {

template <class Options>
basic_request_heap<Options>::basic_request_heap(within_t, basic_request_heap& parent) noexcept
    : pool_(parent.pool_), parent_(&parent), next_sibling_(parent.first_child_) {
  begin();
  parent.first_child_ = this;
}

template <class Options> basic_request_heap<Options>::~basic_request_heap() {
  run_end();
  if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::end(*this, false);
  give_back();
  for (basic_request_heap* child = first_child_; child != nullptr; child = child->next_sibling_)
    child->parent_ = nullptr;
  if (parent_ == nullptr) return;
  basic_request_heap** link = &parent_->first_child_;
  while (*link != this) link = &(*link)->next_sibling_;
  *link = next_sibling_;
}

template <class Options> std::size_t basic_request_heap<Options>::remaining() const noexcept {
  std::size_t least = book_.remaining();
  for (basic_request_heap const* h = parent_; h != nullptr; h = h->parent_) {
    if (h->book_.remaining() < least) least = h->book_.remaining();
  }
  return least;
}

template <class Options> bool basic_request_heap<Options>::is_empty() const noexcept {
  return slabs_ == nullptr && bins_.carved_bytes() == 0 && table_.size() == 0 && end_.empty() &&
         (!is_watched() || watch() == nullptr || watch()->live_blocks() == 0);
}

/// Returns: whether a child held anything.
template <class Options> bool basic_request_heap<Options>::release_children() noexcept {
  bool held = false;
  for (basic_request_heap* child = first_child_; child != nullptr; child = child->next_sibling_) {
    if (child->is_empty() && child->first_child_ == nullptr) continue;
    held = held || !child->is_empty();
    child->release();
  }
  return held;
}

/// An entry, here or in a child, may allocate and register in any request of the family: so this goes on until neither
/// the request has an entry nor a child holds anything.
template <class Options> ZMM_NOINLINE void basic_request_heap<Options>::run_end_entries() noexcept {
  detail::check(!ending_, "an entry of a request's end does not release the request", nullptr, this);
  ending_ = true;
  gate_.lift();
  while (release_children() || !end_.empty()) {
    while (!end_.empty()) end_.run_newest();
  }
  gate_.unlift();
  ending_ = false;
}

template <class Options> void basic_request_heap<Options>::release() noexcept {
  detail::check(!gate_.asking() && !ending_, "neither a limit hook nor an entry of the end releases the request",
                nullptr, this);
  run_end();
  if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::end_all(*this, false);
  give_back();
  forget_blocks();
  reset_peak();
}

template <class Options> void basic_request_heap<Options>::forget_blocks() noexcept {
  note_carved();
  table_.reset();
  live_ = 0;
  slabs_ = nullptr;
  slab_bytes_ = 0;
  if (bins_.carved_bytes() != 0) bins_.reset();
  rekey();
  if (buffer_ != nullptr && !forwards()) bins_.open(buffer_, buffer_ + buffer_bytes_);
}

/// Effects: slabs, runs and huge blocks go back to the pool, and the request is no longer in flight.
template <class Options> void basic_request_heap<Options>::give_back() noexcept {
  if constexpr (Options::check_chunks) check_slabs();
  if (table_.size() != 0) give_back_paged();
  if constexpr (Options::zero_on_free) wipe_slabs();  // the table lay in them
  if (slabs_ != nullptr) discharge(slab_bytes_);
  detail::allow(buffer_, buffer_bytes_);
  if (!joined_) return;
  std::size_t const used = bins_.carved_bytes() + sizeof(detail::slab);
  if constexpr (watched::is_always_watched) {
    if (slabs_ != nullptr) pool_->detain(slabs_);
    slabs_ = nullptr;
  }
  pool_->end(slabs_, used > buffer_bytes_ ? used - buffer_bytes_ : 0, book_.real_peak(), joined_);
}

template <class Options> void basic_request_heap<Options>::give_back_paged() noexcept {
  detail::paged_block own;  // the table's memory goes last
  for (std::size_t i = 0; i < table_.size(); ++i) {
    if (table_[i].start() == table_.memory()) own = table_[i];
    else give_pages(table_[i]);
  }
  if (own.start() != nullptr) give_pages(own);
}

template <class Options> std::size_t basic_request_heap<Options>::collect() noexcept {
  if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::settle(*this);
  if (slabs_ == nullptr || !end_.empty() || is_any_live()) return 0;
  std::size_t const before = slab_bytes_ + paged_bytes_;
  if constexpr (Options::check_chunks) check_slabs();
  give_back_paged();
  if constexpr (Options::zero_on_free) wipe_slabs();
  discharge(slab_bytes_);
  for (detail::slab* s = slabs_; s != nullptr; s = s->next) detail::allow(s, s->bytes);
  pool_->give_slabs(slabs_);
  forget_blocks();
  return before;
}

template <class Options> bool basic_request_heap<Options>::set_limit(std::size_t bytes) noexcept {
  if (book_.set_limit(bytes)) return true;
  collect();
  return book_.set_limit(bytes);
}

/// Whether a caller holds a block. Most often a bin without a free block says so at once.
template <class Options> bool basic_request_heap<Options>::is_any_live() const noexcept {
  std::size_t const own =
      table_.memory_bytes();  // the table's memory: nothing, a packed block, or a paged one in itself
  if (table_.size() > (own > detail::small_limit ? 1 : 0)) return true;
  if ((own == 0 || own > detail::small_limit) && bins_.is_surely_live()) return true;
  std::size_t size = 0, blocks = 0;
  count_live(size, blocks);
  return blocks != 0;
}

/// What callers hold: the table's own memory is not theirs.
template <class Options>
void basic_request_heap<Options>::count_live(std::size_t& size, std::size_t& blocks) const noexcept {
  bins_.count_live(size, blocks);
  size += paged_bytes_;
  blocks += table_.size();
  if (table_.memory() == nullptr) return;
  --blocks;
  std::size_t const bytes = table_.memory_bytes();
  if (bytes <= detail::small_limit) {
    size -= detail::slot_bytes(packed_bin(bytes, 1));
    return;
  }
  for (std::size_t i = 0; i < table_.size(); ++i) {  // the table stands in itself
    if (table_[i].start() == table_.memory()) size -= bytes_of(table_[i]);
  }
}

template <class Options> statistics basic_request_heap<Options>::stats() const {
  statistics s;
  count_live(s.size, s.live_blocks);
  s.peak = Options::exact_peak || peak_ > carved() ? peak_ : carved();
  s.peak_exact = Options::exact_peak;
  s.real_size = book_.real_size();
  s.real_peak = book_.real_peak();
  for (detail::slab const* slab = slabs_; slab != nullptr; slab = slab->next) ++s.chunks;
  for (std::size_t i = 0; i < table_.size(); ++i) s.huge_blocks += table_[i].is_huge();
  if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::correct(*this, s);
  return s;
}

template <class Options> void basic_request_heap<Options>::reset_peak() noexcept {
  peak_ = Options::exact_peak ? live_ : carved();
  if (ZMM_UNLIKELY(is_watched()) && watch() != nullptr) watch()->reset_peak();
  book_.reset_peak();
}

namespace detail {
/// Gives a block back unless it was kept.
template <class Heap> class block_guard {
public:
  block_guard(Heap& from, std::size_t bytes, std::size_t alignment)
      : heap_(from),
        block_(from.allocate(bytes, alignment, typename Heap::site{})),
        bytes_(bytes),
        alignment_(alignment) {}
  ~block_guard() { heap_.deallocate(block_, bytes_, alignment_); }
  block_guard(block_guard const&) = delete;
  block_guard& operator=(block_guard const&) = delete;

  void* get() const noexcept { return block_; }
  void keep() noexcept { block_ = nullptr; }

private:
  Heap& heap_;
  void* block_;
  std::size_t bytes_, alignment_;
};
}  // namespace detail

template <class Options> template <class F> void basic_request_heap<Options>::on_end(F&& f) {
  using entry = detail::end_call<std::decay_t<F>, Options::encode_calls>;
  detail::block_guard<basic_request_heap> room(*this, sizeof(entry), alignof(entry));
  end_.push(::new (room.get()) entry(std::forward<F>(f)));
  room.keep();
}

template <class Options>
template <class T, class Construct>
T* basic_request_heap<Options>::create_with(Construct construct) {
  if constexpr (std::is_trivially_destructible_v<T>) {
    detail::block_guard<basic_request_heap> room(*this, sizeof(T), alignof(T));
    T* const object = construct(room.get());
    room.keep();
    return object;
  } else {
    using entry = detail::end_object<T, Options::encode_calls>;
    detail::block_guard<basic_request_heap> room(*this, sizeof(entry), alignof(entry));
    entry* const e = ::new (room.get()) entry;
    T* const object = construct(static_cast<void*>(e->room));
    end_.push(e);
    room.keep();
    return object;
  }
}

/// Invariants:
///     slab_bytes == sum of the slabs; real_size == slab_bytes + paged_bytes + real_size of the children
///     every free packed block lies in a slab or the caller's buffer
///     every paged block's tag is its place in the table; paged_bytes == their sum
///     size <= peak
template <class Options> void basic_request_heap<Options>::verify() const {
  if (ZMM_UNLIKELY(is_watched())) detail::watched_calls::verify(*this);
  if (ZMM_UNLIKELY(forwards())) return;  // there is nothing else
  std::size_t slab_bytes = 0, paged = 0, children = 0;
  for (detail::slab* s = slabs_; s != nullptr; s = s->next) {
    slab_bytes += s->bytes;
    detail::check(slab_bytes <= slab_bytes_, "the list of slabs ends", s, this);
    detail::check(entry_of(s) == detail::page_entry::slab(s->bytes / geometry::page_bytes),
                  "a slab is marked in the page map", s, this);
    for (std::size_t i = 1; i < s->bytes / geometry::page_bytes; ++i) {
      detail::check(*(&entry_of(s) + i) == detail::page_entry{}, "no entry lies inside a slab", s, this);
    }
  }
  detail::check(slab_bytes == slab_bytes_, "slab bytes are counted", nullptr, this);
  bins_.verify(
      [&](void* block, std::size_t bytes) {
        bool inside = block >= buffer_ && detail::offset(block, bytes) <= buffer_ + buffer_bytes_;
        for (detail::slab* s = slabs_; s != nullptr && !inside; s = s->next) {
          inside = block >= s->begin() && detail::offset(block, bytes) <= s->end();
        }
        detail::check(inside, "a free block lies in a slab of the request", block, this);
      },
      this);
  for (std::size_t i = 0; i < table_.size(); ++i) {
    paged += bytes_of(table_[i]);
    detail::check(tag_of(table_[i].start()) == i, "a paged block knows its place in the table", table_[i].start(),
                  this);
  }
  detail::check(paged == paged_bytes_, "paged bytes are counted", nullptr, this);
  for (basic_request_heap const* child = first_child_; child != nullptr; child = child->next_sibling_) {
    detail::check(child->parent_ == this, "a child knows its parent", child, this);
    children += child->book_.real_size();
  }
  detail::check(book_.real_size() == slab_bytes + paged + children, "real_size is what was taken from the pool",
                nullptr, this);
  if (ZMM_UNLIKELY(is_watched())) return;  // the figures are the watch's
  statistics const s = stats();
  if constexpr (Options::exact_peak) detail::check(s.size == live_, "live bytes are counted", nullptr, this);
  detail::check(s.size <= s.peak, "size does not pass its peak", nullptr, this);
}

}}  // namespace zmm
