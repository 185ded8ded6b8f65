// A random walk through the members of an engine, and a model of what the engine should hold.
//
// Every 1000 steps it checks: verify(), the model's blocks byte for byte, and the engine's figures against the model's and
// the storage's. After every failure the same, without the blocks.
#pragma once
#include "counting_storage.hpp"
#include "engines.hpp"
#include "shadow_model.hpp"
#include "visited.hpp"
#include <algorithm>
#include <new>

namespace zmm_test {

struct walk_options {
  bool storage_fails = false;  // the storage refuses now and then
  bool limits = false;         // set_limit and the limit hook take part
  bool forwards = false;       // blocks are malloc's
  bool visits = true;          // what visit() tells is compared with the model
};

template <class Heap> class random_walk {
public:
  random_walk(engine<Heap>& under_test, counting_storage const& source, std::uint64_t seed, walk_options options)
      : engine_(under_test), heap_(under_test.heap()), storage_(source), random_(seed), options_(options) {
    if (options_.limits) heap_.on_limit(&random_walk::limit_hook, this);
  }
  ~random_walk() { heap_.on_limit(nullptr, nullptr); }
  random_walk(random_walk const&) = delete;
  random_walk& operator=(random_walk const&) = delete;

  void run(std::size_t steps) {
    for (std::size_t i = 0; i < steps; ++i) {
      if (i % 1000 == 0) {
        check_everything();
        target_ = std::size_t{5} << random_.below(8);
      }
      step();
    }
    while (!model_.empty()) free_one(random_.below(model_.count()));
    check_everything();
    if (heap_.stats().size != 0) FAIL_CHECK("bytes left after the last block was freed: " << heap_.stats().size);
  }

  std::size_t failures() const { return failures_; }
  std::size_t hook_calls() const { return hook_calls_; }
  std::size_t resizes() const { return resizes_; }

private:
  using size_t = std::size_t;

  void step() {
    size_t const kind = random_.below(1000);
    if (kind < 4) return rare();
    if (kind < 150 && !model_.empty()) return resize_one(random_.below(model_.count()));
    if (kind < 300 && !model_.empty()) return reallocate_one(random_.below(model_.count()));
    bool const grow = random_.below(10) < (model_.count() < target_ ? 6u : 4u);
    if (grow || model_.empty()) return allocate_one();
    free_one(random_.below(model_.count()));
  }

  void rare() {
    switch (random_.below(random_.one_in(20) ? 7 : 5)) {
      case 0: (void)heap_.trim(); break;
      case 1: (void)heap_.collect(); break;
      case 2: change_limit(); break;
      case 3: change_limit(); break;
      case 4: heap_.verify(); break;
      case 5:
        heap_.reset_peak();
        peak_ = live_;
        break;
      default:
        heap_.release();
        model_.clear();
        live_ = peak_ = 0;
        if (auto const s = heap_.stats(); s.size != 0 || s.live_blocks != 0) FAIL_CHECK("release left blocks");
        heap_.verify();
    }
  }

  size_t size() { return random_size(random_, chunk_bytes<Heap>, page_bytes<Heap>); }

  void allocate_one() {
    size_t const bytes = size(), alignment = random_alignment(random_);
    void* p = nullptr;
    if (random_.one_in(2)) {
      p = heap_.try_allocate(bytes, alignment);
    } else {
      try {
        p = heap_.allocate(bytes, alignment);
        if (p == nullptr) FAIL_CHECK("allocate returned null");
      } catch (std::bad_alloc const&) {}
    }
    if (p == nullptr) return failed();
    added(p, bytes, bytes, alignment);
  }

  void free_one(size_t index) {
    shadow_block const block = model_.take(index);
    live_ -= usable(block.p);
    free(block);
  }

  void free(shadow_block const& block) {
    if constexpr (by_address<Heap>)
      if (random_.one_in(3)) return heap_.deallocate(block.p);
    heap_.deallocate(block.p, random_.between(block.least, block.most), block.alignment);
  }

  void resize_one(size_t index) {
    shadow_block block = model_.take(index);
    size_t const before = usable(block.p);
    size_t const old_bytes = random_.between(block.least, block.most);
    size_t least = random_.one_in(2) ? size() : random_.between(0, 2 * block.most + 16);
    size_t const preferred = random_.one_in(2) ? least : least + random_.below(2 * least + 64);
    size_t const got = heap_.resize_in_place(block.p, old_bytes, least, preferred);
    if (got == 0) {
      model_.put_back(block);
      if (usable(block.p) != before) FAIL_CHECK("a refused resize changed the block");
      return;
    }
    if (got < least) FAIL_CHECK("resize_in_place granted " << got << " of at least " << least);
    ++resizes_;
    shadow_model::check(block, std::min(block.most, got), block.p);
    live_ += usable(block.p) - before;
    if (by_address<Heap> && usable(block.p) < got) FAIL_CHECK("more granted than is usable");
    added_again(block.p, least, got, block.alignment);
  }

  void reallocate_one(size_t index) {
    if constexpr (!by_address<Heap>) {
      resize_one(index);
    } else {
      shadow_block const block = model_.take(index);
      size_t const before = usable(block.p);
      size_t const bytes = random_.one_in(2) ? size() : random_.between(0, 2 * block.most + 16);
      size_t kept = std::min(bytes, block.most), alignment = alignof(std::max_align_t);
      void* p = nullptr;
      try {
        switch (random_.below(3)) {
          case 0: p = heap_.reallocate(block.p, bytes); break;
          case 1:
            alignment = random_alignment(random_);
            p = heap_.reallocate(block.p, bytes, std::align_val_t{alignment});
            break;
          default:
            alignment = random_alignment(random_);
            kept = random_.between(0, kept);
            p = heap_.reallocate(block.p, bytes, kept, alignment);
        }
      } catch (std::bad_alloc const&) {
        model_.put_back(block);
        return failed();
      }
      if (p == nullptr) {
        FAIL_CHECK("reallocate returned null");
        return;
      }
      shadow_model::check(block, kept, static_cast<unsigned char*>(p));
      live_ += usable(p) - before;
      added_again(p, bytes, bytes, alignment);
    }
  }

  void change_limit() {
    if (!options_.limits) return;
    size_t const old = heap_.limit();
    size_t const real = heap_.real_size();  // as a limit it refuses the next chunk
    size_t const wanted = random_.one_in(3) ? ~size_t{0} : random_.one_in(2) ? real : random_.below(2 * real + 4 * chunk_bytes<Heap>);
    bool const taken = heap_.set_limit(wanted);
    if (heap_.limit() != (taken ? wanted : old)) FAIL_CHECK("limit() is not what set_limit said");
    if (taken != (heap_.real_size() <= wanted)) FAIL_CHECK("set_limit(" << wanted << ") at " << heap_.real_size());
    if (heap_.real_size() <= heap_.limit() && heap_.remaining() != heap_.limit() - heap_.real_size())
      FAIL_CHECK("remaining() is not limit - real_size");
  }

  static bool limit_hook(void* user, size_t needed) noexcept {
    random_walk& walk = *static_cast<random_walk*>(user);
    ++walk.hook_calls_;
    if (walk.in_hook_) FAIL_CHECK("the hook was called inside the hook");
    if (needed == 0) FAIL_CHECK("the hook was told that nothing is needed");
    walk.in_hook_ = true;
    if (walk.random_.one_in(2))
      for (size_t i = walk.random_.below(30); i-- > 0 && !walk.model_.empty();) walk.free_one(walk.random_.below(walk.model_.count()));
    if (walk.random_.one_in(3)) (void)walk.heap_.trim();
    if (walk.random_.one_in(3)) {
      size_t const bytes = walk.size();
      if (void* p = walk.heap_.try_allocate(bytes, 16)) walk.added(p, bytes, bytes, 16);
    }
    walk.in_hook_ = false;
    return !walk.random_.one_in(4);
  }

  void failed() {
    ++failures_;
    if (!options_.storage_fails && !options_.limits) FAIL_CHECK("an allocation failed for no reason");
    check_figures();
    heap_.verify();
  }

  void added(void* p, size_t least, size_t most, size_t alignment) {
    live_ += usable(p);
    added_again(p, least, most, alignment);
  }
  void added_again(void* p, size_t least, size_t most, size_t alignment) {
    peak_ = std::max(peak_, live_);
    model_.add(shadow_block{static_cast<unsigned char*>(p), least, most, alignment, 0});
  }

  size_t usable(void* p) const {
    if constexpr (by_address<Heap>) return heap_.usable_size(p);
    return p == nullptr ? 0 : 0;
  }

  void check_everything() {
    heap_.verify();
    model_.check_all();
    check_figures();
    if constexpr (by_address<Heap>)
      for (shadow_block const& block : model_.blocks())
        if (!heap_.owns(block.p) || heap_.usable_size(block.p) < block.most) FAIL_CHECK("a live block is not known");
    if (options_.visits) check_visit(heap_, model_, always_watched<Heap> || options_.forwards, options_.forwards);
  }

  void check_figures() {
    zmm::statistics const s = heap_.stats();
    if (s.live_blocks != model_.count()) FAIL_CHECK("live_blocks " << s.live_blocks << ", model " << model_.count());
    if (by_address<Heap> && (tagged<Heap> ? s.size < live_ : s.size != live_)) FAIL_CHECK("size " << s.size << ", model " << live_);
    if (s.size < model_.asked_bytes()) FAIL_CHECK("size " << s.size << " below the bytes asked for");
    if (s.peak < s.size || s.real_peak < s.real_size) FAIL_CHECK("a peak lies below its figure");
    if (s.real_size != heap_.real_size() || s.real_peak != heap_.real_peak()) FAIL_CHECK("stats() differs from real_size()");
    bool const is_exact = exact<Heap> || options_.forwards;
    if (s.peak_exact != is_exact) FAIL_CHECK("peak_exact is wrong");
    if (by_address<Heap> && (is_exact && !tagged<Heap> ? s.peak != peak_ : s.peak < peak_))
      FAIL_CHECK("peak " << s.peak << ", model " << peak_);
    if (options_.forwards) return check_forwarded(s);
    size_t const taken = engine_.source().stats().real_size;
    if (taken != storage_.live()) FAIL_CHECK("real_size " << taken << ", storage lent " << storage_.live());
  }

  // Storage lends only what a thread's part takes. Malloc's blocks are charged, each with the size it was allocated with,
  // which may be more than its size now.
  void check_forwarded(zmm::statistics const& s) {
    if (s.real_size < s.size) FAIL_CHECK("less is charged than is live");
    if (model_.empty() && s.real_size > storage_.live()) FAIL_CHECK("charged without a block: " << s.real_size);
  }

  engine<Heap>& engine_;
  Heap& heap_;
  counting_storage const& storage_;
  random_source random_;
  walk_options options_;
  shadow_model model_;
  size_t target_ = 0, live_ = 0, peak_ = 0, failures_ = 0, hook_calls_ = 0, resizes_ = 0;
  bool in_hook_ = false;
};

}  // namespace zmm_test
