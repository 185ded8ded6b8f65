// An element that stores its own address, and counts the live ones: so a move behind its back, a missing destruction and a
// double destruction are noticed.
#pragma once
#include <cstddef>
#include <doctest/doctest.h>
#include <functional>
#include <utility>

namespace zmm_test {

class tracked {
public:
  tracked(long value = 0) noexcept : value_(value), self_(this) { ++live; }
  tracked(tracked const& other) noexcept : tracked(other.value()) {}
  tracked(tracked&& other) noexcept : tracked(std::exchange(other.value_, moved_from)) { other.check(); }
  tracked& operator=(tracked const& other) noexcept {
    check();
    value_ = other.value();
    return *this;
  }
  tracked& operator=(tracked&& other) noexcept {
    check();
    other.check();
    long const value = other.value_;
    if (this != &other) other.value_ = moved_from;
    value_ = value;
    return *this;
  }
  ~tracked() {
    check();
    self_ = nullptr;
    --live;
  }

  long value() const noexcept {
    check();
    return value_;
  }

  friend bool operator==(tracked const& a, tracked const& b) noexcept { return a.value() == b.value(); }
  friend bool operator!=(tracked const& a, tracked const& b) noexcept { return a.value() != b.value(); }
  friend bool operator<(tracked const& a, tracked const& b) noexcept { return a.value() < b.value(); }

  static constexpr long moved_from = -1;
  static inline long live = 0;

private:
  void check() const noexcept {
    if (self_ != this) FAIL_CHECK("an element is used that does not live where it is");
  }

  long value_;
  tracked* self_;
  [[maybe_unused]] char more_[24] = {};
};

}  // namespace zmm_test

template <> struct std::hash<zmm_test::tracked> {
  std::size_t operator()(zmm_test::tracked const& t) const noexcept { return static_cast<std::size_t>(t.value()) * 31; }
};
