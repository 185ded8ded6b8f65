// Slabs of watched requests that have ended: kept from reuse for a while, to find out whether something still uses
// them.
#pragma once

#include <zmm/base/checks.hpp>
#include <zmm/request/slab.hpp>
#include <zmm/watch/watch_pattern.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// First in, first out. Nothing in them may be used: a sanitizer reports any use; without one they are filled with a
/// pattern, which is compared when they leave. One thread at a time.
class slab_detention {
public:
  static constexpr std::size_t most_bytes = std::size_t{1} << 20;

  std::size_t bytes() const noexcept { return bytes_; }

  void push(slab* s) noexcept {
    if constexpr (!under_sanitizer) fill(s->begin(), pattern::freed, distance(s->begin(), s->end()));
    forbid(s->begin(), distance(s->begin(), s->end()));
    s->next = nullptr;
    (last_ != nullptr ? last_->next : first_) = s;
    last_ = s;
    bytes_ += s->bytes;
  }
  /// Effects: lets the oldest slabs go until no more than `bytes` are left. Returns: their list.
  slab* pop_beyond(std::size_t bytes, void const* pool) noexcept {
    slab* list = nullptr;
    while (bytes_ > bytes) {
      slab* const s = first_;
      allow(s->begin(), distance(s->begin(), s->end()));
      check_untouched(*s, pool);
      first_ = s->next;
      if (first_ == nullptr) last_ = nullptr;
      bytes_ -= s->bytes;
      s->next = list;
      list = s;
    }
    return list;
  }
  template <class Visit> void for_each(Visit visit) const {
    for (slab* s = first_; s != nullptr; s = s->next) visit(*s);
  }

  void verify(void const* pool) const noexcept {
    for_each([&](slab& s) { check_untouched(s, pool); });
  }

private:
  static void check_untouched(slab& s, void const* pool) noexcept {
    if constexpr (!under_sanitizer)
      check(is_filled(s.begin(), pattern::freed, distance(s.begin(), s.end())),
            "nobody writes to a request after its end", &s, pool);
  }

  slab *first_ = nullptr, *last_ = nullptr;
  std::size_t bytes_ = 0;
};

}}}  // namespace zmm::detail
