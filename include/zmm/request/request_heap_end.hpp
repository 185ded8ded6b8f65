// The request as a whole: family, end, figures, verification.
#pragma once

#include <zmm/request/request_heap_own.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Options> void request_heap_own<Options>::join_family() noexcept {
  watched_calls::alone(engine::engine_of(*parent_), [&] {
    next_sibling_ = parent_->first_child_;
    parent_->first_child_ = this;
  });
}

/// Effects: parent and children do not know of this request any more. It still knows its parent, which it discharges
/// when it gives back.
template <class Options> ZMM_NOINLINE void request_heap_own<Options>::leave_family() noexcept {
  for (request_heap_own* child = first_child_; child != nullptr; child = child->next_sibling_) {
    engine::engine_of(*child).drop_all();
    child->parent_ = nullptr;
    if (child->is_watched()) {
      if (auto* const there = child->watch()) there->stand_in(nullptr);
    }
  }
  if (parent_ == nullptr) return;
  watched_calls::alone(engine::engine_of(*parent_), [&] {
    request_heap_own** link = &parent_->first_child_;
    while (*link != this) link = &(*link)->next_sibling_;
    *link = next_sibling_;
  });
}

/// A limit hook, even an ancestor's, runs in the middle of an allocation of the request; an entry of the end lies in
/// the request's memory.
template <class Options> void request_heap_own<Options>::check_may_end() const noexcept {
  check(!(waits_ || ending_), "neither a limit hook nor an entry of the end releases the request", nullptr, this);
}

/// One pass over the family from here down, the children's entries first. Returns: whether there were any.
template <class Options> bool request_heap_own<Options>::run_entries() noexcept {
  ending_ = true;
  bool ran = false;
  for (request_heap_own* child = first_child_; child != nullptr; child = child->next_sibling_) {
    child->check_may_end();
    ran = child->run_entries() || ran;
  }
  for (; !end_.empty(); ran = true) end_.run_newest();
  ending_ = false;
  return ran;
}

/// The one place where entries run. Any of them may allocate and register in any request of the family, even in one
/// that the pass has left behind: so nothing is dropped before a whole pass has found no entry.
template <class Options> ZMM_NOINLINE void request_heap_own<Options>::run_end_entries() noexcept {
  check_may_end();
  this->lift();
  while (run_entries() && first_child_ != nullptr) continue;
  this->unlift();
}

template <class Options> void request_heap_own<Options>::forget_blocks() noexcept {
  note_carved();
  table_.reset();
  this->live_ = 0;
  slabs_ = nullptr;
  slab_bytes_ = 0;
  if (bins_.carved_bytes() != 0) bins_.reset();
  rekey(this);
  if (buffer_ != nullptr && !forwards()) bins_.open(buffer_, buffer_ + buffer_bytes_);
}

/// The one place where blocks are dropped. Effects: runs and huge blocks go back to the pool; slabs and the buffer are
/// as good as fresh, but slabs are not given back yet.
template <class Options> ZMM_INLINE void request_heap_own<Options>::drop_blocks() noexcept {
  if constexpr (Options::check_chunks) check_slabs();
  if (table_.size() != 0) give_back_paged();
  if constexpr (Options::zero_on_free) wipe_slabs();  // last, for the table may lie in them
  if (slabs_ != nullptr) {
    discharge(slab_bytes_);
    if (ZMM_UNLIKELY(slab_bytes_ >= counted_from)) forget_counts();
  }
  allow(buffer_, buffer_bytes_);
}

/// Effects: slabs, runs and huge blocks go back to the pool, and the request is no longer in flight.
template <class Options> void request_heap_own<Options>::give_back() noexcept {
  drop_blocks();
  if (!joined_) return;
  std::size_t const used = bins_.carved_bytes() + sizeof(slab);
  if constexpr (watched::is_always_watched) {
    if (slabs_ != nullptr) pool_->detain(slabs_);
    slabs_ = nullptr;
  }
  if constexpr (Options::list_requests) this->note_end(*pool_, book_.real_peak(), watch());
  pool_->end(slabs_, used > buffer_bytes_ ? used - buffer_bytes_ : 0, book_.real_peak(), joined_);
}

template <class Options> void request_heap_own<Options>::give_back_paged() noexcept {
  paged_block own;  // the table's memory goes last
  for (std::size_t i = 0; i < table_.size(); ++i) {
    if (table_[i].start() == table_.memory()) own = table_[i];
    else give_pages(table_[i]);
  }
  if (own.start() != nullptr) give_pages(own);
}

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

template <class Options> template <class F> void request_heap_own<Options>::on_end(F&& f) {
  using entry = end_call<std::decay_t<F>, Options::encode_calls>;
  block_guard<engine> room(engine::engine_of(*this), sizeof(entry), alignof(entry));
  end_.push(::new (room.get()) entry(static_cast<F&&>(f)));
  room.keep();
}

template <class Options>
template <class T, class Construct>
T* request_heap_own<Options>::create_with(Construct construct) {
  if constexpr (std::is_trivially_destructible_v<T>) {
    block_guard<engine> room(engine::engine_of(*this), sizeof(T), alignof(T));
    T* const object = construct(room.get());
    room.keep();
    return object;
  } else {
    using entry = end_object<T, Options::encode_calls>;
    block_guard<engine> room(engine::engine_of(*this), sizeof(entry), alignof(entry));
    entry* const e = ::new (room.get()) entry;
    T* const object = construct(static_cast<void*>(e->room));
    end_.push(e);
    room.keep();
    return object;
  }
}

}}}  // namespace zmm::detail
