// Where the blocks of a debug heap were allocated, and how many bytes.
#pragma once

#include <zmm/watch/label.hpp>
#include <zmm/watch/leak_report.hpp>
#include <zmm/watch/watched_engine.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// What was allocated at one place, or under one label. Bytes as they were asked for.
struct site_figures {
  char const* file;  ///< null: the call did not say, as a container's does not; or figures of a label
  unsigned line;
  char const* label;  ///< null: none
  std::size_t live_blocks, live_bytes;
  std::size_t peak_bytes;  ///< highest live_bytes since the last release()
  std::size_t blocks;      ///< allocations since the last release()
  std::size_t total_bytes;  ///< of all of those
};

namespace detail {

/// Keeps figures for each place and each label. One thread at a time: the watch sees to that.
class site_ledger {
public:
  site_ledger() = default;

  /// Effects: note_allocated() will find room. Returns: false if there is no memory.
  bool make_room() noexcept {
    return sites_.make_room() && labels_.make_room() && (2 * (sites_.count + 1) <= index_.capacity() || grow_index());
  }
  /// Returns: the number of the place.
  std::uint32_t note_allocated(call_site where, std::size_t bytes) noexcept {
    if (ended_) begin_anew();
    site& s = find(where);
    add(s, bytes, 0);
    return static_cast<std::uint32_t>(&s - &sites_.items[0]);
  }
  /// The same for a block that replaces another: peaks do not count both.
  std::uint32_t note_allocated(replaced_block old, std::size_t bytes) noexcept {
    add(sites_.items[old.site], bytes, old.bytes);
    return old.site;
  }
  void note_freed(std::uint32_t at, std::size_t bytes) noexcept {
    site& s = sites_.items[at];
    remove(s.figures, bytes);
    remove(labels_.items[s.label], bytes);
  }
  void note_resized(std::uint32_t at, std::size_t before, std::size_t after) noexcept {
    site& s = sites_.items[at];
    s.figures.live_bytes -= before - after;
    labels_.items[s.label].live_bytes -= before - after;
  }
  /// Effects: nothing is live. Peaks and counts stay until the next allocation: so they can be read after the end.
  void note_end() noexcept {
    for_each([](site_figures& f) { f.live_blocks = f.live_bytes = 0; });
    ended_ = true;
  }
  void describe(std::uint32_t at, stop_info& info) const noexcept {
    site_figures const& f = sites_.items[at].figures;
    info.file = f.file;
    info.line = f.line;
    info.label = f.label;
  }

  // Sites and labels keep their numbers, which count from 0, and new ones come last.
  std::size_t sites() const noexcept { return sites_.count; }
  site_figures const& site_at(std::size_t number) const noexcept { return sites_.items[number].figures; }
  std::size_t labels() const noexcept { return labels_.count; }
  site_figures const& label_at(std::size_t number) const noexcept { return labels_.items[number]; }

  /// Effects: reports what is live, summed up by place, in the order of the first allocation there. The sink is called
  /// outside the watch.
  template <class Watch> void report_leaks(void const* heap, Watch const& watch) const noexcept {
    leak_report report{heap, nullptr, 0, 0, 0};
    list<leak> leaks;
    watch.inspect([&] {
      statistics s;
      watch.count(s);
      report.blocks = s.live_blocks;
      report.bytes = s.size;
      if (report.blocks != 0) fold(watch, leaks);
    });
    report.leaks = leaks.count != 0 ? &leaks.items[0] : nullptr;
    report.count = leaks.count;
    if (report.blocks != 0) current_leak_sink.load(detail::memory_order_acquire)(report);
  }

private:
  struct site {
    site_figures figures;
    std::size_t label;
  };
  template <class T> struct list {
    bool make_room() noexcept {
      return count < items.capacity() || items.grow([this](T const* old, std::size_t) {
        for (std::size_t i = 0; i < count; ++i) items[i] = old[i];
      });
    }
    os_array<T> items;
    std::size_t count = 0;
  };

  template <class Change> void for_each(Change change) noexcept {
    for (std::size_t i = 0; i < sites_.count; ++i) change(sites_.items[i].figures);
    for (std::size_t i = 0; i < labels_.count; ++i) change(labels_.items[i]);
  }
  void add(site& s, std::size_t bytes, std::size_t replaced) noexcept {
    add(s.figures, bytes, replaced);
    add(labels_.items[s.label], bytes, replaced);
  }
  static void add(site_figures& f, std::size_t bytes, std::size_t replaced) noexcept {
    ++f.blocks;
    f.total_bytes += bytes;
    ++f.live_blocks;
    f.live_bytes += bytes;
    if (f.live_bytes - replaced > f.peak_bytes) f.peak_bytes = f.live_bytes - replaced;
  }
  static void remove(site_figures& f, std::size_t bytes) noexcept {
    --f.live_blocks;
    f.live_bytes -= bytes;
  }
  static std::size_t hash(char const* file, unsigned line, char const* label) noexcept {
    return static_cast<std::size_t>(((address_of(file) * 31 + line) * 31 + address_of(label)) * 0x9E3779B97F4A7C15U >>
                                    20);
  }
  /// The place in the index where a site's number is, or would be. Numbers there count from 1.
  std::size_t place_of(char const* file, unsigned line, char const* label) const noexcept {
    std::size_t const mask = index_.capacity() - 1;
    for (std::size_t i = hash(file, line, label) & mask;; i = (i + 1) & mask) {
      if (index_[i] == 0) return i;
      site_figures const& f = sites_.items[index_[i] - 1].figures;
      if (f.file == file && f.line == line && f.label == label) return i;
    }
  }
  bool grow_index() noexcept {
    return index_.grow([this](std::uint32_t const*, std::size_t) {
      for (std::size_t i = 0; i < sites_.count; ++i) {
        site_figures const& f = sites_.items[i].figures;
        index_[place_of(f.file, f.line, f.label)] = static_cast<std::uint32_t>(i + 1);
      }
    });
  }
  site& find(call_site where) noexcept {
    std::size_t const place = place_of(where.file, where.line, current_label());
    if (index_[place] != 0) return sites_.items[index_[place] - 1];
    index_[place] = static_cast<std::uint32_t>(++sites_.count);
    site& fresh = sites_.items[sites_.count - 1];
    fresh = {{where.file, where.line, current_label(), 0, 0, 0, 0, 0}, label_number(current_label())};
    return fresh;
  }
  std::size_t label_number(char const* name) noexcept {
    for (std::size_t i = 0; i < labels_.count; ++i) {
      if (labels_.items[i].label == name) return i;
    }
    labels_.items[labels_.count] = {nullptr, 0, name, 0, 0, 0, 0, 0};
    return labels_.count++;
  }
  void begin_anew() noexcept {
    ended_ = false;
    for_each([](site_figures& f) { f.peak_bytes = f.blocks = f.total_bytes = 0; });
  }

  /// One entry for each site that has something live. Without memory for that: none.
  template <class Watch> void fold(Watch const& watch, list<leak>& leaks) const noexcept {
    os_array<std::uint32_t> number_of;  // of a site's leak, counted from 1
    while (number_of.capacity() < sites_.count && number_of.grow([](auto const*, std::size_t) {})) {}
    if (number_of.capacity() < sites_.count) return;
    watch.for_each_live([&](watched_block const& b) {
      std::uint32_t& number = number_of[b.site];
      if (number == 0) {
        if (!leaks.make_room()) return;
        site_figures const& f = sites_.items[b.site].figures;
        leaks.items[leaks.count] = {f.file, f.line, f.label, b.start(), b.bytes, b.number, 0, 0};
        number = static_cast<std::uint32_t>(++leaks.count);
      }
      leak& l = leaks.items[number - 1];
      ++l.blocks;
      l.bytes += b.bytes;
      if (b.number < l.first_number) {
        l.first = b.start();
        l.first_bytes = b.bytes;
        l.first_number = b.number;
      }
    });
    sort(leaks);
  }
  static void sort(list<leak>& leaks) noexcept {  // few: one for each place
    for (std::size_t i = 1; i < leaks.count; ++i) {
      leak const moved = leaks.items[i];
      std::size_t at = i;
      for (; at > 0 && leaks.items[at - 1].first_number > moved.first_number; --at)
        leaks.items[at] = leaks.items[at - 1];
      leaks.items[at] = moved;
    }
  }

  list<site> sites_;
  list<site_figures> labels_;
  os_array<std::uint32_t> index_;
  bool ended_ = false;
};

}  // namespace detail

}}  // namespace zmm
