// All samples of the process: who took how much, and which blocks are live.
#pragma once

#include <zmm/base/immortal.hpp>
#include <zmm/storage/fork_guard.hpp>
#include <zmm/watch/call_stack.hpp>
#include <zmm/watch/label.hpp>
#include <zmm/watch/sample_count.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The number of live samples, by hash of their address: where it is 0 the book need not be asked.
inline constexpr std::size_t sample_mark_count = 4096;
ZMM_SHARED inline atomic<std::uint32_t> sample_marks[sample_mark_count];
inline std::size_t sample_hash(std::uintptr_t key) noexcept {
  return static_cast<std::size_t>(std::uint64_t{key} * 0x9E3779B97F4A7C15U >> 32);
}
inline atomic<std::uint32_t>& sample_mark_of(std::uintptr_t key) noexcept {
  return sample_marks[sample_hash(key) % sample_mark_count];
}
/// Whether a sample may be at the address. False is certain for the thread that may free the block.
inline bool is_sample_marked(void const* block) noexcept {
  return sample_mark_of(~address_of(block)).load(memory_order_relaxed) != 0;
}

template <class Options> struct sampled_places {
  ZMM_INLINE static bool may_have(void const* block) noexcept { return is_sample_marked(block); }
};

/// Counts live samples of an engine, for somebody who wants to know whether there are any.
struct live_samples {
  std::size_t count = 0;
  void (*changed)() noexcept;  ///< called under the book's lock when there is the first one, and none any more
};

/// A sampled allocation. Its owner is the engine, or, for a request, the pool.
struct sample {
  void const* owner;
  void const* engine;
  void const* block;
  std::size_t bytes;
  double weight;      ///< blocks that it stands for
  std::size_t every;  ///< mean bytes from one to the next
  call_site where;
  live_samples* counter;  ///< null: nobody wants to know
  walked_stack stack;
};

/// What was sampled at one place.
struct sampled_figures {
  char const* file;  ///< null: the call did not say
  unsigned line;
  char const* label;        ///< null: none
  call_stack const* stack;  ///< null: not known
  std::size_t every;        ///< mean bytes from one sample to the next
  double live_blocks, live_bytes;
  double blocks, bytes;  ///< taken since the owner began
};

/// Any thread. Everything lies in memory from the operating system.
///
/// Invariants:
///     sum of sample_marks == count_
///     count_ == number of live samples
class sample_book {
public:
  /// Returns: whether the block is noted; false: there is no memory.
  bool note(sample const& s) noexcept {
    forks.attach(fork_);
    on_sampled_owner_end.store(&end_of_owner, memory_order_release);
    mutex_guard const guard(lock_);
    if (2 * (count_ + 1) > capacity_of_live_ && !grow()) return false;
    place* const at = find_place(s);
    if (at == nullptr) return false;
    at->figures.blocks += s.weight;
    at->figures.bytes += s.weight * static_cast<double>(s.bytes);
    insert({~address_of(s.block), s.bytes, s.weight, s.engine, s.counter, number_of(*at)});
    if (s.counter != nullptr && s.counter->count++ == 0) s.counter->changed();
    return true;
  }
  /// Effects: the block is not noted any more. Returns: whether it was.
  ZMM_INLINE bool forget(void const* block) noexcept { return is_sample_marked(block) && forget_marked(block); }
  /// Effects: if the block is noted, it is noted at `now`, with `bytes`; it stands for as many blocks as before.
  void moved(void const* block, void const* now, std::size_t bytes) noexcept {
    if (!is_sample_marked(block)) return;
    mutex_guard const guard(lock_);
    if (count_ == 0) return;
    std::size_t const at = slot_of(~address_of(block));
    if (live_[at].key == 0) return;
    live_block copy = live_[at];
    erase(at);
    copy.key = ~address_of(now);
    copy.bytes = bytes;
    insert(copy);
  }
  /// Effects: no block of the engine is noted as live any more; what it had taken stays in its owner's figures.
  void end_engine(void const* engine) noexcept {
    mutex_guard const guard(lock_);
    for (std::size_t i = 0; i < live_.capacity();) {
      if (live_[i].key != 0 && live_[i].engine == engine) end_sample(i);  // another may be here then
      else ++i;
    }
  }
  /// Effects: forgets the owner's figures. Requires: nothing of it is live.
  void end_owner(void const* owner) noexcept {
    mutex_guard const guard(lock_);
    for (std::uint32_t& first : first_) {
      for (std::uint32_t* link = &first; *link != 0;) {
        std::uint32_t const number = *link;
        place& p = places_[number - 1];
        if (p.owner != owner) {
          link = &p.next;
          continue;
        }
        *link = p.next;
        p = {nullptr, {}, free_places_};
        free_places_ = number;
      }
    }
  }
  /// Effects: calls visit(sampled_figures const&) for each place of the owner, with figures of one moment. `engine`: of
  /// that engine's live blocks only; null: of all. visit() must not call zmm.
  template <class Visit> void look(void const* owner, void const* engine, Visit visit) noexcept {
    mutex_guard const guard(lock_);
    for (std::size_t i = 0; i < place_count_; ++i) {
      sampled_figures& f = places_[i].figures;
      f.live_blocks = f.live_bytes = 0;
    }
    for (std::size_t i = 0; i < live_.capacity(); ++i) {
      if (live_[i].key == 0 || (engine != nullptr && live_[i].engine != engine)) continue;
      sampled_figures& f = places_[live_[i].place].figures;
      f.live_blocks += live_[i].weight;
      f.live_bytes += live_[i].weight * static_cast<double>(live_[i].bytes);
    }
    for (std::size_t i = 0; i < place_count_; ++i) {
      if (places_[i].owner != owner || owner == nullptr) continue;
      sampled_figures f = places_[i].figures;
      if (engine != nullptr) {
        f.blocks = f.live_blocks;
        f.bytes = f.live_bytes;
      }
      if (f.blocks != 0) visit(static_cast<sampled_figures const&>(f));
    }
  }
  /// Effects: calls change() while no sample begins or ends.
  template <class Change> void alone(Change change) noexcept {
    forks.attach(fork_);
    mutex_guard const guard(lock_);
    change();
  }
  /// Whether anything of the owner was sampled.
  bool knows(void const* owner) noexcept {
    mutex_guard const guard(lock_);
    for (std::size_t i = 0; i < place_count_; ++i) {
      if (places_[i].owner == owner) return true;
    }
    return false;
  }
  /// Effects: keep(stack_store&) may keep stacks.
  template <class Keep> auto with_stacks(Keep keep) noexcept {
    forks.attach(fork_);
    mutex_guard const guard(lock_);
    return keep(stacks_);
  }

private:
  /// Apart, so that most frees save no register for it.
  ZMM_NOINLINE bool forget_marked(void const* block) noexcept {
    mutex_guard const guard(lock_);
    if (count_ == 0) return false;
    std::size_t const at = slot_of(~address_of(block));
    if (live_[at].key == 0) return false;
    end_sample(at);
    return true;
  }
  static constexpr std::size_t lists = 1024;

  struct live_block {
    std::uintptr_t key;  ///< the address, inverted: no tool takes the table for a reference. 0: nothing is here
    std::size_t bytes;
    double weight;
    void const* engine;
    live_samples* counter;
    std::uint32_t place;
  };
  struct place {
    void const* owner;  ///< null: not in use
    sampled_figures figures;
    std::uint32_t next;  ///< in its list, or in that of unused places; counts from 1, and 0 is the end
  };

  static std::size_t list_of(sample const& s, call_stack const* stack) noexcept {
    std::uintptr_t const mixed = address_of(s.owner) * 31 + address_of(stack) * 7 + address_of(current_label()) * 5 +
                                 address_of(s.where.file) * 3 + s.where.line;
    return sample_hash(mixed) % lists;
  }
  std::uint32_t number_of(place const& p) const noexcept { return static_cast<std::uint32_t>(&p - &places_[0]); }

  place* find_place(sample const& s) noexcept {
    call_stack const* const stack = stacks_.keep(s.stack);
    std::uint32_t& first = first_[list_of(s, stack)];
    for (std::uint32_t i = first; i != 0; i = places_[i - 1].next) {
      place& p = places_[i - 1];
      sampled_figures const& f = p.figures;
      if (p.owner == s.owner && f.stack == stack && f.label == current_label() && f.file == s.where.file &&
          f.line == s.where.line)
        return &p;
    }
    std::uint32_t const number = take_number();
    if (number == 0) return nullptr;
    places_[number - 1] = {s.owner, {s.where.file, s.where.line, current_label(), stack, s.every, 0, 0, 0, 0}, first};
    first = number;
    return &places_[number - 1];
  }
  std::uint32_t take_number() noexcept {
    if (std::uint32_t const free = free_places_; free != 0) {
      free_places_ = places_[free - 1].next;
      return free;
    }
    bool const has_room = place_count_ < places_.capacity() || places_.grow([this](place const* old, std::size_t) {
      for (std::size_t i = 0; i < place_count_; ++i) places_[i] = old[i];
    });
    return has_room ? static_cast<std::uint32_t>(++place_count_) : 0;
  }

  // live_: linear probing, at most half full.
  std::size_t mask() const noexcept { return capacity_of_live_ - 1; }
  std::size_t slot_of(std::uintptr_t key) const noexcept {
    std::size_t i = sample_hash(key) & mask();
    while (live_[i].key != 0 && live_[i].key != key) i = (i + 1) & mask();
    return i;
  }
  bool grow() noexcept {
    return live_.grow([this](live_block const* old, std::size_t capacity) {
      capacity_of_live_ = std::size_t{1} << highest_bit(live_.capacity());
      for (std::size_t i = 0; i < capacity; ++i) {
        if (old[i].key != 0) live_[slot_of(old[i].key)] = old[i];
      }
    });
  }
  void insert(live_block const& block) noexcept {
    sample_mark_of(block.key).fetch_add(1, memory_order_relaxed);
    live_[slot_of(block.key)] = block;
    ++count_;
  }
  void end_sample(std::size_t at) noexcept {
    live_samples* const counter = live_[at].counter;
    erase(at);
    if (counter != nullptr && --counter->count == 0) counter->changed();
  }
  void erase(std::size_t hole) noexcept {
    sample_mark_of(live_[hole].key).fetch_sub(1, memory_order_relaxed);
    --count_;
    for (std::size_t i = (hole + 1) & mask(); live_[i].key != 0; i = (i + 1) & mask()) {
      std::size_t const home = sample_hash(live_[i].key) & mask();
      if (((i - home) & mask()) < ((i - hole) & mask())) continue;  // it lies between its home and here, behind the hole
      live_[hole] = live_[i];
      hole = i;
    }
    live_[hole] = {};
  }

  static void end_of_owner(void const* owner) noexcept;

  mutex lock_{lock_rank::samples};
  fork_node fork_{lock_};
  stack_store stacks_;
  os_array<live_block> live_;
  std::size_t capacity_of_live_ = 0, count_ = 0;
  os_array<place> places_;
  std::size_t place_count_ = 0;
  std::uint32_t free_places_ = 0;
  std::uint32_t first_[lists] = {};
};

ZMM_SHARED ZMM_CONSTINIT inline immortal<sample_book> the_sample_book;

inline void sample_book::end_of_owner(void const* owner) noexcept { the_sample_book.value.end_owner(owner); }

}}}  // namespace zmm::detail
