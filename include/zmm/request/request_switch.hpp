// The switch of a pool: whether the calls of its requests are sampled.
#pragma once

#include <zmm/request/request_heap.hpp>
#include <zmm/watch/switched_calls.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Links> void packed_bins<Links>::close_hits() noexcept {
  if (floor_ == 0 || end_ != nullptr) hidden_end_ = end_;
  stop_ = end_ = nullptr;
  floor_ = ~std::uintptr_t{0};
}
template <class Links> void packed_bins<Links>::open_hits() noexcept {
  if (floor_ != 0 && end_ == nullptr) {
    end_ = hidden_end_;
    set_stop();
  }
  floor_ = 0;
}

/// A pool's part, which it shows nobody else.
struct sampling_switch {
  template <class Geometry> static std::size_t mean(basic_request_pool<Geometry> const& pool) noexcept {
    return pool.sampled_mean();
  }
  template <class Geometry> static void set(basic_request_pool<Geometry>& pool, std::size_t mean) noexcept {
    pool.sampled_mean_.store(mean, memory_order_relaxed);
  }
};

/// How many windows of this thread's requests go by until one is looked at.
struct window_countdown {
  std::uint32_t left;
  std::uint8_t each;  ///< of which it was drawn; 0: there is none yet
};
ZMM_THREAD_LOCAL window_countdown windows_to_skip{};

/// What a request takes from one slab's opening to the next is a *window*. One window in `each` is looked at, by lot: in these hits
/// are closed, and samples fall `each` times as often and stand for `each` times as much. So most of a request is as fast as ever,
/// and sums are right all the same: each block has the same chance, whoever takes it. Blocks of pages, which never are hits, are
/// always looked at. `each` is 128 for the usual mean of 512 KiB; with a mean below 8 KiB all windows are looked at.
///
/// The bound is lowered while a window is looked at or the request has samples among packed blocks, so that frees miss; blocks of
/// pages are looked at wherever they end. A free whose size is a constant
/// asks for no bound: such a sample counts as live until its slot is handed out again.
template <class Options> class request_switch {
  using core_type = request_heap_own<Options>;

public:
  explicit request_switch(core_type& core) noexcept : core_(core) {}

  /// Of a block that was just taken; 0: it is not looked at.
  std::size_t mean(std::size_t bytes, std::size_t alignment) const noexcept {
    std::size_t const pool_mean = sampling_switch::mean(core_.pool());
    if (!core_type::is_packed(bytes != 0 ? bytes : 1, alignment)) return pool_mean;
    return is_looked_at() ? divide_up(pool_mean, std::size_t{core_.window_each_}) : 0;
  }
  /// Blocks that one sampled stands for, beyond what the mean says.
  double factor(std::size_t bytes, std::size_t alignment) const noexcept {
    return core_type::is_packed(bytes != 0 ? bytes : 1, alignment) ? core_.window_each_ : 1;
  }
  static live_samples* counter() noexcept { return nullptr; }

  /// While it lives the engine finds what is at hand.
  class taking {
  public:
    explicit taking(request_switch of) noexcept : of_(of), slabs_(of.core_.slabs_), closes_(of.is_looked_at()) {
      of_.core_.bins_.open_hits();
    }
    ~taking() {
      if (of_.core_.slabs_ != slabs_ ? of_.begins_window() : closes_) of_.core_.bins_.close_hits();
    }
    taking(taking const&) = delete;
    taking& operator=(taking const&) = delete;

  private:
    request_switch of_;
    slab const* slabs_;
    bool const closes_;  ///< false too in a limit's hook, amid another allocation
  };
  template <class Engine> taking take(Engine&) noexcept { return taking(*this); }
  /// A block that is at hand; null: none.
  void* hit(std::size_t bytes, std::size_t alignment) noexcept { return core_.take(bytes, alignment); }
  /// Effects: hits are open and the bound is as usual, where nothing stands against that.
  void follow() noexcept {
    if (ZMM_UNLIKELY(sampling_switch::mean(core_.pool()) == 0)) core_.bins_.open_hits();
    if (!is_looked_at() && !core_.has_slot_samples_) core_.bound_.lower(false);
  }
  void note(std::size_t bytes, std::size_t alignment) noexcept {
    (core_type::is_packed(bytes != 0 ? bytes : 1, alignment) ? core_.has_slot_samples_ : core_.has_samples_) = true;
  }
  template <class Engine> void end(Engine& e) noexcept {
    if (core_.has_slot_samples_) the_sample_book.value.end_engine(&e);
    core_.has_slot_samples_ = false;
    core_.bins_.open_hits();
    core_.bound_.lower(false);
  }

private:
  static constexpr std::size_t most_each = 128, least_mean = std::size_t{4} << 10;

  bool is_looked_at() const noexcept { return core_.bins_.are_hits_closed(); }
  /// Draws whether the window that begins is looked at.
  bool begins_window() noexcept {
    std::size_t const mean = sampling_switch::mean(core_.pool()), most = mean / least_mean;
    if (mean == 0) return false;
    core_.window_each_ = static_cast<std::uint8_t>(most < 1 ? 1 : most < most_each ? most : most_each);
    window_countdown& own = windows_to_skip;
    if (own.each != core_.window_each_) own = {sample_clock::draw_windows(core_.window_each_), core_.window_each_};
    if (own.left-- != 0) return false;
    own.each = 0;
    return true;
  }

  core_type& core_;
};
template <class Options> request_switch<Options> switch_of(request_heap_own<Options>& core, void*) noexcept {
  return request_switch<Options>(core);
}

}}}  // namespace zmm::detail
