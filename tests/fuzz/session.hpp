// What the input says is done to an engine, and what it must be like by then: a model of its blocks and of their bytes.
#pragma once
#include "fuzzed_storage.hpp"
#include "other_thread.hpp"

#include <zmm/zmm.hpp>

#include <cstring>
#include <new>
#include <optional>
#include <type_traits>
#include <vector>

namespace fuzz {
using std::size_t;

class input {
public:
  input(unsigned char const* data, size_t bytes) : at_(data), end_(data + bytes) {}
  bool empty() const { return at_ == end_; }
  unsigned byte() { return empty() ? 0 : *at_++; }
  unsigned word() { return byte() | byte() << 8; }

private:
  unsigned char const *at_, *end_;
};

struct block {
  unsigned char* p;
  size_t least, most, alignment;
  unsigned char mark;
};

// Large blocks are marked at both ends only.
template <class Visit> void for_marked(size_t bytes, Visit visit) {
  for (size_t i = 0; i < bytes && i < 300; ++i) visit(i);
  for (size_t i = bytes > 600 ? bytes - 300 : 300; i < bytes; ++i) visit(i);
}

template <class Heap, class = void> constexpr bool by_address = false;
template <class Heap>
constexpr bool by_address<Heap, std::void_t<decltype(std::declval<Heap&>().owns(static_cast<void*>(nullptr)))>> = true;
template <class Heap, class = void> constexpr bool is_request = false;
template <class Heap> constexpr bool is_request<Heap, std::void_t<decltype(std::declval<Heap&>().pool())>> = true;

template <class Heap, class = void> constexpr bool grows_backward = false;
template <class Heap>
constexpr bool grows_backward<Heap, std::void_t<decltype(std::declval<Heap&>().grow_backward(nullptr, 0, 0, 1))>> = true;

template <class Heap> class session {
public:
  session(Heap& heap, input& in) : heap_(heap), in_(in) {}

  void run() {
    while (!in_.empty()) next_step();
    heap_.on_limit(nullptr, nullptr);
    while (!blocks_.empty()) free_at(blocks_.size() - 1);
    heap_.verify();
    check_live(heap_.stats().live_blocks);
    heap_.release();
    check_ended();
  }

  void enable(other_thread& other) { other_ = &other; }

private:
  size_t size() {
    unsigned const kind = in_.byte();
    switch (kind % 8) {
    case 0: return kind / 8;
    case 1: return 3040 + kind / 4;
    case 2: return 4096 * (kind / 8) + kind % 3;
    case 3: return in_.word();
    case 4: return size_t{in_.word()} * 16;
    case 5: return (size_t{2} << 20) - 4096 * (kind / 16);
    case 6: return ~size_t{0} - in_.word();
    default: return in_.byte() * 4;
    }
  }
  size_t alignment() {
    unsigned const b = in_.byte();
    return size_t{1} << (b % 16 == 15 ? b / 16 + 6 : b % 5);
  }

  void next_step() {
    unsigned const what = in_.byte();
    if (other_ == nullptr || what < 160) return step(what % 20);
    has_parts_ = true;
    other_->run([&] { step(what % 20); });
  }
  void step(unsigned what) {
    bool const may_take = !blocks_.empty();
    switch (what) {
    case 5:
    case 6:
    case 7:
    case 8: return may_take ? free_at(in_.byte() % blocks_.size()) : allocate();
    case 9:
    case 10: return may_take ? resize(in_.byte() % blocks_.size()) : allocate();
    case 11: return reallocate();
    case 12: return static_cast<void>(in_.byte() % 2 ? heap_.collect() : heap_.trim());
    case 13: return limit();
    case 14: return at_end();
    case 15: return whole();
    case 16: return many();
    case 17: return may_take ? free_many(in_.byte() % blocks_.size()) : allocate();
    case 18: return hook();
    case 19: return nested();
    default: return allocate();
    }
  }

  void allocate() {
    size_t const bytes = size(), align = alignment();
    if (blocks_.size() >= 200) return;
    void* const p = bytes % 2 == 0 ? heap_.try_allocate(bytes, align) : allocate_or_null(bytes, align);
    if (p != nullptr) add(p, bytes, bytes, align);
  }
  void* allocate_or_null(size_t bytes, size_t align) {
    try {
      return heap_.allocate(bytes, align);
    } catch (std::bad_alloc const&) { return nullptr; }
  }
  void add(void* p, size_t least, size_t most, size_t align) {
    expect(reinterpret_cast<std::uintptr_t>(p) % align == 0, "a block is aligned");
    expect(was_lifted_ || heap_.real_size() <= heap_.limit(), "a limit holds");
    block const b{static_cast<unsigned char*>(p), least, most, align, static_cast<unsigned char>(++marks_)};
    for_marked(most, [&](size_t i) { b.p[i] = b.mark; });
    blocks_.push_back(b);
  }
  void check(block const& b, unsigned char const* at, size_t bytes) {
    for_marked(b.most, [&](size_t i) {
      if (i < bytes) expect(at[i] == b.mark, "a block keeps its bytes");
    });
  }
  block take(size_t i) {
    block const b = blocks_[i];
    blocks_[i] = blocks_.back();
    blocks_.pop_back();
    check(b, b.p, b.most);
    return b;
  }
  void free_at(size_t i) {
    block const b = take(i);
    if constexpr (by_address<Heap>) {
      expect(heap_.owns(b.p) && heap_.usable_size(b.p) >= b.most, "a live block is known");
      if (in_.byte() % 3 == 0) return heap_.deallocate(b.p);
    }
    heap_.deallocate(b.p, b.least + in_.word() % (b.most - b.least + 1), b.alignment);
  }
  void resize(size_t i) {
    block const b = take(i);
    size_t const least = in_.byte() % 2 ? size() : in_.word() % (2 * b.most + 16);
    unsigned const how = in_.byte();
    size_t const preferred = least + (how % 4 == 0 ? least : 0);
    if (preferred < least) return blocks_.push_back(b);
    if constexpr (grows_backward<Heap>) {
      if (how % 8 == 5) return grow_backward(b, least);
    }
    size_t const got = heap_.resize_in_place(b.p, b.least, least, preferred);
    if (got == 0) {
      check(b, b.p, b.most);
      return blocks_.push_back(b);
    }
    expect(got >= least, "no less is granted than is needed");
    check(b, b.p, got);
    add(b.p, least, got, b.alignment);
  }
  // What lies between the old start and the old end stays where it is.
  void grow_backward(block const& b, size_t least) {
    if constexpr (grows_backward<Heap>) {
      size_t const unit = (1 + in_.byte() % 40) * (b.alignment > 8 ? b.alignment : 1);
      auto* const start = static_cast<unsigned char*>(heap_.grow_backward(b.p, least, least + in_.byte() * 8, unit));
      check(b, b.p, b.most);
      if (start == nullptr) return blocks_.push_back(b);
      size_t const got = heap_.usable_size(start);
      expect(start < b.p && static_cast<size_t>(b.p - start) % unit == 0, "a block grows by whole objects");
      expect(got >= least && start + got >= b.p + b.most, "no less is granted than is needed, and than there was");
      add(start, least < b.most ? least : b.most, got, b.alignment);
    }
  }
  void reallocate() {
    if constexpr (by_address<Heap>) {
      bool const is_new = blocks_.empty() || in_.byte() % 16 == 0;
      block const b = is_new ? block{nullptr, 0, 0, 1, 0} : take(in_.byte() % blocks_.size());
      size_t const bytes = size(), align = alignment(), copied = in_.byte() % 4 == 0 ? in_.word() : ~size_t{0};
      size_t const usable = is_new ? 0 : heap_.usable_size(b.p);
      void* p = nullptr;
      try {
        p = copied == ~size_t{0} ? heap_.reallocate(b.p, bytes, std::align_val_t{align}) : heap_.reallocate(b.p, bytes, copied, align);
      } catch (std::bad_alloc const&) {
        check(b, b.p, b.most);
        if (!is_new) blocks_.push_back(b);
        return;
      }
      check(b, static_cast<unsigned char*>(p), bytes < copied ? bytes : copied);
      if (bytes <= usable && heap_.real_size() > heap_.limit()) was_lifted_ = true;  // it moved to shrink
      add(p, bytes, bytes, align);
    } else {
      allocate();
    }
  }

  // In bulk, as Boost's containers do: blocks are linked through their first words.
  void many() {
    size_t const bytes = size(), align = alignment(), count = 1 + in_.byte() % 24;
    if (bytes < sizeof(void*) || blocks_.size() + count > 200) return;
    try {
      auto list = zmm::detail::allocate_list(heap_, bytes, align, count);
      expect(list.size() == count, "as many are allocated as were asked for");
      while (!list.empty()) add(list.pop_front(), bytes, bytes, align);
    } catch (std::bad_alloc const&) {}
  }
  void free_many(size_t like) {
    block const model = blocks_[like];
    if (model.least < sizeof(void*)) return;
    zmm::detail::block_list list;
    for (size_t i = blocks_.size(); i-- > 0;) {
      block const& b = blocks_[i];
      if (b.least == model.least && b.alignment == model.alignment) list.push_back(take(i).p);
    }
    zmm::detail::deallocate_list(heap_, model.least, model.alignment, list);
  }

  void limit() {
    unsigned const what = in_.byte();
    size_t const room = what < 128 ? in_.byte() : in_.word();
    size_t const used = heap_.real_size(), low = used < 32'768 ? 0 : used - 32'768;  // about what is in use
    size_t const wanted = what % 4 == 1 ? ~size_t{0} : low + room * 4096;
    if constexpr (is_request<Heap>) {
      if (what % 8 == 0) return static_cast<void>(heap_.pool().set_limit(heap_.pool().real_size() + room * 65'536));
    }
    if (what % 8 == 6) {
      zmm::limit_lift const lift{heap_};
      was_lifted_ = true;
      return allocate();
    }
    if (heap_.set_limit(wanted)) expect(heap_.limit() == wanted && heap_.real_size() <= wanted, "a limit is kept");
  }
  // Frees a block when a limit is reached, and has the allocation tried again.
  void hook() {
    if (in_.byte() % 4 == 0) return heap_.on_limit(nullptr, nullptr);
    heap_.on_limit(
        [](void* self, size_t) noexcept {
          auto& s = *static_cast<session*>(self);
          if (s.blocks_.empty()) return false;
          s.heap_.verify();
          s.free_at(s.blocks_.size() - 1);
          return true;
        },
        this);
  }
  void at_end() {
    if constexpr (is_request<Heap>) {
      try {
        heap_.on_end([this] { ++ended_; });
        ++entries_;
      } catch (std::bad_alloc const&) {}
    }
  }
  // A request within this one: lives for some steps, some of which are this one's, which may end meanwhile.
  void nested() {
    if constexpr (is_request<Heap>) {
      if (depth_ == 3) return;
      std::optional<Heap> child;  // ends before what runs at its end
      child.emplace(zmm::within, heap_);
      session inner{*child, in_};
      inner.depth_ = depth_ + 1;
      size_t const ends_before = ends_;
      for (unsigned steps = in_.byte() % 32; steps != 0 && ends_ == ends_before && !in_.empty(); --steps) {
        if (in_.byte() % 4 != 0) inner.next_step();
        else step(in_.byte() % 19);
        was_lifted_ = was_lifted_ || inner.was_lifted_;  // whose lift held here as well
      }
      if (ends_ != ends_before) {
        inner.check_ended();
        inner.forget();
        expect(child->stats().live_blocks == 0, "a request whose parent was released is empty");
      }
      child->verify();
      if (in_.byte() % 2 == 0) inner.run();
      was_lifted_ = was_lifted_ || inner.was_lifted_;
      child.reset();
      inner.check_ended();
    } else {
      allocate();
    }
  }

  void whole() {
    heap_.verify();
    zmm::statistics const s = heap_.stats();
    check_live(s.live_blocks);
    expect(s.real_size <= s.real_peak && (has_parts_ || s.size <= s.peak), "a figure is below its peak");
    for (block const& b : blocks_) check(b, b.p, b.most);
    if (in_.byte() % 8 != 0) return;
    heap_.release();
    ++ends_;
    check_ended();
    forget();
    expect(heap_.stats().live_blocks == 0, "nothing is left after release()");
  }
  // What lies in other threads' lists counts as live until it is home.
  void check_live(size_t found) const {
    size_t const known = blocks_.size() + entries_;
    expect(has_parts_ ? found >= known : found == known, "live blocks are counted");
  }
  void check_ended() const { expect(ended_ == entries_, "what is registered for the end runs"); }
  void forget() {
    blocks_.clear();
    entries_ = ended_ = 0;
    was_lifted_ = was_lifted_ && heap_.real_size() > heap_.limit();
    expect(!was_lifted_ || has_parts_ || heap_.real_size() <= 3u << 20, "release() keeps one chunk at most beyond a limit");
  }

  Heap& heap_;
  input& in_;
  other_thread* other_ = nullptr;
  std::vector<block> blocks_;
  unsigned marks_ = 0, depth_ = 0;
  size_t entries_ = 0, ended_ = 0, ends_ = 0;
  bool was_lifted_ = false;  // and what was taken then may still be there
  bool has_parts_ = false;   // another thread was here
};

}  // namespace fuzz
