// What an engine for one thread at a time keeps itself: its limit's hook, its lifts, its peak.
#pragma once

#include <zmm/stats.hpp>
#include <zmm/base/size_classes.hpp>
#include <zmm/blocks/free_slot.hpp>
#include <zmm/chunk/limit_gate.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// The usual answers, for what a core does not say itself. A base of cores.
struct usual_core {
  static constexpr bool looks_aside = false;    ///< misses ask take_aside() and give_aside() first, without a stack frame
  static constexpr bool samples_apart = true;   ///< a small block that is sampled has pages of its own: may_be_sampled()
  static constexpr bool can_switch = false;     ///< whether sampling may be switched on
  static constexpr bool reports_leaks = true;   ///< release() and the destructor report what is still live, in a debug heap
  static void look_at_switch() noexcept {}  ///< before an allocation that has missed: whether it is to be sampled
  static constexpr bool is_untouched() noexcept { return false; }  ///< whether it may still be open if the engine forwards

  static void* take_fresh(std::size_t, std::size_t) noexcept { return nullptr; }
  static void* take_ahead(std::size_t, std::size_t) noexcept { return nullptr; }
  static void open_reserve() noexcept {}
  /// What holds free slots that may be pushed without asking whether somebody watches; here nothing: every free asks.
  struct no_lists {
    static void forward() noexcept {}
    static free_slot* take_list(bin_index) noexcept { return nullptr; }
  };
  static no_lists lists() noexcept { return {}; }
  static void run_end() noexcept {}
  static void before_end() noexcept {}                                      ///< the engine's destructor begins
  static void end() noexcept {}                                             ///< every block is over
  static bool keeps_watch(void const*) noexcept { return false; }           ///< whether the watch is kept, for another engine
  template <class Visit> static void for_each_child(Visit) noexcept {}
};

/// A base of the cores of engines for one thread at a time.
template <class Options> class engine_account {
public:
  /// Sets what an attempt that begins here carries.
  void begin(admission& asked) const noexcept { asked.lifted = gate_.lifted(); }
  bool ask_hook(std::size_t bytes) noexcept { return gate_.can_ask() && gate_.ask(bytes); }
  void check_may_release(void const* heap) const noexcept {
    check(!gate_.asking(), "a limit hook does not release the heap", nullptr, heap);
  }
  void set_hook(limit_hook_type hook, void* user) noexcept { gate_.set_hook(hook, user); }
  void lift() noexcept { gate_.lift(); }
  void unlift() noexcept { gate_.unlift(); }
  std::size_t live() const noexcept { return live_; }
  /// For moving a block: the moment when both places were live does not count.
  std::size_t peak() const noexcept { return peak_; }
  void restore_peak(std::size_t before, std::size_t carved) noexcept {
    peak_ = bound(carved) > before ? bound(carved) : before;
  }

protected:
  /// Notes that `bytes` more are in live blocks. With exact_peak only.
  ZMM_INLINE void add_live([[maybe_unused]] std::size_t bytes) noexcept {
    if constexpr (Options::exact_peak) {
      live_ += bytes;
      if (live_ > peak_) peak_ = live_;
    }
  }
  ZMM_INLINE void remove_live([[maybe_unused]] std::size_t bytes) noexcept {
    if constexpr (Options::exact_peak) live_ -= bytes;
  }
  /// Notes that `carved` bytes are carved now. Without exact_peak only.
  ZMM_INLINE void note_carved([[maybe_unused]] std::size_t carved) noexcept {
    if constexpr (!Options::exact_peak) peak_ = carved > peak_ ? carved : peak_;
  }
  std::size_t bound(std::size_t carved) const noexcept { return Options::exact_peak ? live_ : carved; }
  void count_peak(statistics& s) const noexcept {
    s.peak = peak_;
    s.peak_exact = Options::exact_peak;
  }
  void reset_account(std::size_t carved) noexcept { peak_ = bound(carved); }

  std::size_t live_ = 0;  ///< exact_peak only: bytes in live blocks
  std::size_t peak_ = 0;  ///< of live_, or of what is carved
  limit_gate<Options::encode_calls> gate_;
};

}}}  // namespace zmm::detail
