// The switch of a pool: whether the calls of its requests are sampled.
#pragma once

#include <zmm/request/request_heap.hpp>
#include <zmm/watch/switched_calls.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Links> void packed_bins<Links>::close_hits() noexcept {
  if (floor_ == 0 || end_ != nullptr) hidden_end_ = end_;
  end_ = nullptr;
  floor_ = ~std::uintptr_t{0};
}
template <class Links> void packed_bins<Links>::open_hits() noexcept {
  if (floor_ != 0 && end_ == nullptr) end_ = hidden_end_;
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

/// A request's bound is lowered and its hits are closed from before its first slab to its end, or until it is seen that sampling
/// was switched off and the request has no sample. A free whose size is a constant asks for no bound: such a sample counts as live
/// until its slot is handed out again.
template <class Options> class request_switch {
  using core_type = request_heap_own<Options>;

public:
  explicit request_switch(core_type& core) noexcept : core_(core) {}

  std::size_t mean() const noexcept { return sampling_switch::mean(core_.pool()); }
  static live_samples* counter() noexcept { return nullptr; }

  /// While it lives the engine finds what is at hand.
  class taking {
  public:
    explicit taking(request_switch of) noexcept : of_(of), closes_(of.open()) {}
    ~taking() {
      if (closes_) of_.close();
    }
    taking(taking const&) = delete;
    taking& operator=(taking const&) = delete;

  private:
    request_switch of_;
    bool const closes_;  ///< false: this is a limit's hook, amid another allocation
  };
  template <class Engine> taking take(Engine&) noexcept { return taking(*this); }
  void follow() noexcept {
    if (ZMM_UNLIKELY(mean() == 0)) stop(false);
  }
  void note() noexcept { core_.has_samples_ = true; }
  template <class Engine> void end(Engine& e) noexcept {
    if (core_.has_samples_) the_sample_book.value.end_engine(&e);
    stop(true);
  }

private:
  /// Returns: whether hits are to be closed afterwards.
  bool open() noexcept {
    bool const is_new = !core_.bound_.is_lowered(), closes = is_new || core_.bins_.are_hits_closed();
    if (is_new) core_.has_samples_ = false;
    core_.bins_.open_hits();
    core_.bound_.lower(true);
    return closes;
  }
  void close() noexcept {
    core_.bins_.close_hits();
    follow();
  }
  /// Effects: the request is as one that is not sampled. Not if it has samples, unless `anyway`.
  void stop(bool anyway) noexcept {
    if (core_.has_samples_ && !anyway) return;
    core_.bins_.open_hits();
    core_.bound_.lower(false);
  }

  core_type& core_;
};
template <class Options> request_switch<Options> switch_of(request_heap_own<Options>& core, void*) noexcept {
  return request_switch<Options>(core);
}

}}}  // namespace zmm::detail
