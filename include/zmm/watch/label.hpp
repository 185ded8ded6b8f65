// A name for what this thread is doing, which debug heaps note with each block.
#pragma once

#include <zmm/storage/thread_end.hpp>

namespace zmm { inline namespace ZMM_ABI {

namespace detail {
/// The innermost label of this thread; null: none.
inline char const* current_label() noexcept { return own_thread.record->label; }
}  // namespace detail

/// While it lives, what this thread allocates in debug heaps is labelled: for containers, whose calls do not say where
/// they come from. Nests; the innermost counts. Without memory for the thread's record (a page) it has no effect.
///
///     zmm::label scope{"parse order"};
class label {
public:
  /// Requires: `name` lives as long as the heaps; a string literal does.
  explicit label(char const* name) noexcept : record_(detail::thread_end::record()) {
    if (record_ == nullptr) return;
    before_ = record_->label;
    record_->label = name;
  }
  ~label() {
    // A thread that is ending has left its record, which may be another thread's by now.
    if (record_ != nullptr && record_ == detail::own_thread.record) record_->label = before_;
  }
  label(label const&) = delete;
  label& operator=(label const&) = delete;

private:
  detail::thread_record* record_;
  char const* before_ = nullptr;
};

}}  // namespace zmm
