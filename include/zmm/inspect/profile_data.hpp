// The data of a profile: who has allocated how much from an engine, copied at one moment.
#pragma once
#include <zmm/inspect/areas.hpp>
#include <zmm/inspect/frame_table.hpp>
#include <zmm/inspect/mappings.hpp>
#include <zmm/inspect/text_out.hpp>
#include <zmm/request/request_switch.hpp>
#include <zmm/threads/process_switch.hpp>
#include <zmm/watch/sampled_calls.hpp>
#include <zmm/watch/site_ledger.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// A line of a profile: a place, a stack and a label, if the engine knows them; else a kind of memory and a size of slots.
struct profile_entry {
  char const* file;  ///< null: not known
  unsigned line;
  char const* label;      ///< null: none
  char const* kind;       ///< null: this is a place
  std::size_t each;       ///< bytes of each slot; 0: blocks of several sizes
  std::size_t blocks;     ///< live
  std::size_t bytes;      ///< in live blocks
  std::size_t allocated;  ///< allocations since the last release(); of a kind: live blocks
  std::size_t allocated_bytes;
  call_stack const* stack;  ///< of the call; null: not known

  /// Whether the line has a name of its own, in addition to its frames.
  bool has_name() const noexcept { return stack == nullptr || file != nullptr; }
  std::size_t frames() const noexcept { return stack != nullptr ? stack->depth : 0; }
  /// An address inside the call instruction: the return address is behind it, perhaps in another line.
  std::uintptr_t frame(std::size_t i) const noexcept { return stack->frames()[i] - 1; }

  /// Writes the name of the line itself: "order.cpp:41", "48 bytes", "huge".
  template <class Out> void write_name(Out& out) const {
    if (kind != nullptr) {
      if (each == 0) out << kind;
      else out << each << " bytes";
    } else if (file == nullptr) {
      out << "(place not known)";
    } else {
      out << base_name(file) << ':' << std::size_t{line};
    }
  }
  /// The group that the line belongs to: its label, or for a size of slots the kind of memory; null: none.
  char const* group() const noexcept { return each != 0 ? kind : label; }

private:
  static char const* base_name(char const* path) noexcept {
    char const* name = path;
    for (; *path != '\0'; ++path) {
      if (*path == '/') name = path + 1;
    }
    return name;
  }
};

class profile_data {
public:
  /// Copies what the engine knows. Memory: 80 bytes for each place, from the system.
  template <class Engine> explicit profile_data(Engine const& of) {
    real_size_ = of.stats().real_size;
    if constexpr (is_pool<Engine>) {
      add_samples(&of, nullptr);
      if (count_ == 0) add_areas(of);
    } else {
      auto const* const watch = inspection<Engine>::watch(of);
      if (watch == nullptr) {
        if constexpr (Engine::options::sample_every != 0) add_samples_of(of);
        else if (!add_switched_samples(of)) add_areas(of);
      } else if constexpr (Engine::options::watch_blocks) {
        add_sites(*watch);
      } else {
        add_blocks(of);
      }
    }
    for (profile_entry const& e : *this) {
      live_bytes_ += e.bytes;
      has_stacks_ = has_stacks_ || e.stack != nullptr;
      for (std::size_t k = 0; k < e.frames(); ++k) is_whole_ = frames_.add(e.frame(k)) && is_whole_;
    }
    if (has_stacks_) mappings_.read();
  }

  bool is_whole() const noexcept { return is_whole_; }  ///< whether there was memory for all of it
  std::size_t size() const noexcept { return count_; }
  profile_entry const& operator[](std::size_t i) const noexcept { return entries_[i]; }
  profile_entry const* begin() const noexcept { return count_ != 0 ? &entries_[0] : nullptr; }
  profile_entry const* end() const noexcept { return begin() + count_; }
  bool has_stacks() const noexcept { return has_stacks_; }
  std::size_t live_bytes() const noexcept { return live_bytes_; }
  code_mappings const& mappings() const noexcept { return mappings_; }  ///< empty where no stack is known
  frame_table const& frames() const noexcept { return frames_; }         ///< of all stacks
  std::size_t period() const noexcept { return period_; }               ///< mean bytes of a sample; 1: not sampled
  /// Bytes taken from storage that are not in live blocks.
  std::size_t other_bytes() const noexcept { return real_size_ > live_bytes_ ? real_size_ - live_bytes_ : 0; }

private:
  void add(profile_entry const& e) noexcept {
    if (!is_whole_ || e.allocated == 0) return;
    if (count_ == entries_.capacity() && !grow()) return static_cast<void>(is_whole_ = false);
    entries_[count_++] = e;
  }
  bool grow() noexcept {
    return entries_.grow([this](profile_entry const* old, std::size_t) {
      for (std::size_t i = 0; i < count_; ++i) entries_[i] = old[i];
    });
  }

  void add_samples(void const* owner, void const* engine) {
    auto const whole = [](double sum) { return static_cast<std::size_t>(sum + 0.5); };
    the_sample_book.value.look(owner, engine, [&](sampled_figures const& f) {
      period_ = f.every;
      add({f.file, f.line, f.label, nullptr, 0, whole(f.live_blocks), whole(f.live_bytes), whole(f.blocks), whole(f.bytes),
           f.stack});
    });
  }
  template <class Core> void add_samples_of(engine_over<Core> const& of) {
    void const* const owner = sampled_calls<engine_over<Core>>::owner(of);
    period_ = Core::options::sample_every;
    add_samples(owner, owner == &of ? nullptr : &of);
  }
  /// Returns: whether the engine is sampled at present, or was.
  template <class Core> bool add_switched_samples([[maybe_unused]] engine_over<Core> const& of) {
    if constexpr (Core::can_switch) {
      using calls = switched_calls<engine_over<Core>>;
      void const* const owner = calls::owner(of);
      if (!calls::is_on(of) && !the_sample_book.value.knows(owner)) return false;
      add_samples(owner, owner == &of ? nullptr : &of);
      return true;
    }
    return false;
  }
  template <class Watch> void add_sites(Watch const& watch) {
    watch.inspect([&] {
      for (std::size_t i = 0; i < watch.sites().sites(); ++i) {
        site_figures const& f = watch.sites().site_at(i);
        add({f.file, f.line, f.label, nullptr, 0, f.live_blocks, f.live_bytes, f.blocks, f.total_bytes, nullptr});
      }
    });
  }
  template <class Engine> void add_areas(Engine const& of) {
    area_sums const sums(of);
    for (std::uint8_t const bin : bins_by_size.bin)
      add_kind(name_of(area_kind::run), slot_bytes(bin_index{bin}), sums.bins[bin]);
    for (std::size_t kind = 1; kind < area_kinds; ++kind)
      add_kind(name_of(static_cast<area_kind>(kind)), 0, sums.kinds[kind]);
  }
  void add_kind(char const* kind, std::size_t each, area_sum const& sum) {
    add({nullptr, 0, nullptr, kind, each, sum.live, sum.live_bytes, sum.live, sum.live_bytes, nullptr});
  }
  /// For an engine that forwards its blocks or runs under a sanitizer: one line for all.
  template <class Engine> void add_blocks(Engine const& of) {
    area_sum all;
    of.visit([&](block_info const& b) {
      ++all.live;
      all.live_bytes += b.bytes;
      return true;
    });
    add_kind("block", 0, all);
  }

  os_array<profile_entry> entries_;
  code_mappings mappings_;
  frame_table frames_;
  std::size_t count_ = 0, live_bytes_ = 0, real_size_ = 0, period_ = 1;
  bool is_whole_ = true, has_stacks_ = false;
};

}}}  // namespace zmm::detail
