// A name for what this thread is doing, which debug heaps note with each block.
#pragma once

#include <zmm/base/compiler.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
ZMM_THREAD_LOCAL char const* current_label = nullptr;
}

/// While it lives, what this thread allocates in debug heaps is labelled: for containers, whose calls do not say where
/// they come from. Nests; the innermost counts.
///
///     zmm::label scope{"parse order"};
class label {
public:
  /// Requires: `name` lives as long as the heaps; a string literal does.
  explicit label(char const* name) noexcept : before_(detail::current_label) { detail::current_label = name; }
  ~label() { detail::current_label = before_; }
  label(label const&) = delete;
  label& operator=(label const&) = delete;

private:
  char const* before_;
};

}}  // namespace zmm
