// Oracles: allocators that know beforehand which address each allocation gets. They measure what is left of the time if
// nothing has to be decided: limits for every allocator that places blocks in the same way.
//
// An oracle serves one sequence of calls, and the same once more after end(). foretell(replay) runs it on a zmm request,
// whose blocks the oracle then hands out.
#pragma once

#include <zmm/zmm.hpp>

#include <cstdlib>
#include <vector>

#include "standard.hpp"
#include "subject.hpp"

namespace bench {

// Notes the addresses that a request heap hands out. The blocks are the recording's.
class recorded_request {
public:
  void* allocate(std::size_t n, std::size_t a) {
    addresses_.push_back(heap_.allocate(n, a));
    return addresses_.back();
  }
  void deallocate(void* p, std::size_t n, std::size_t a) { heap_.deallocate_nonnull(p, n, a); }
  void* const* addresses() const noexcept { return addresses_.data(); }

private:
  zmm::request_heap heap_;
  std::vector<void*> addresses_;
};

// An allocation is one load, a free is nothing.
class oracle {
public:
  static constexpr char const* name = "oracle";
  static bool available() { return true; }
  void* allocate(std::size_t, std::size_t) { return *next_++; }
  void deallocate(void*, std::size_t, std::size_t) {}
  void end() noexcept { next_ = foretold_.addresses(); }
  template <class Replay> void foretell(Replay replay) {
    replay(foretold_);
    end();
  }

private:
  recorded_request foretold_;
  void* const* next_ = nullptr;
};

// A free also writes a link into the block, as every list in the blocks themselves must.
struct linking_oracle : oracle {
  static constexpr char const* name = "oracle_link";
  void deallocate(void* p, std::size_t, std::size_t) { *static_cast<void**>(p) = this; }
};

// Does all that lists by size do, but for two things: no list is ever empty, so nothing is carved and no branch is
// mispredicted; and an address does not come from the list, so no call waits for another one.
class list_oracle : public oracle {
public:
  static constexpr char const* name = "oracle_lists";
  void* allocate(std::size_t n, std::size_t a) {
    void* const p = oracle::allocate(n, a);
    if (is_small(n, a)) list_of(n, a) = *static_cast<void**>(p);
    return p;
  }
  void deallocate(void* p, std::size_t n, std::size_t a) {
    if (!is_small(n, a)) return;
    *static_cast<void**>(p) = list_of(n, a);
    list_of(n, a) = p;
  }

private:
  using classes = zmm::detail::size_classes<8>;
  static bool is_small(std::size_t n, std::size_t a) noexcept {
    return a <= 16 && (a & (a - 1)) == 0 && zmm::detail::rank_of(n, a) < classes::limit;
  }
  void*& list_of(std::size_t n, std::size_t a) noexcept {
    return lists_[classes::bin_of(zmm::detail::rank_of(n, a)).value];
  }
  void* lists_[classes::bins] = {};
};

// No oracle, but a limit too: the least that an allocator with bins does. It checks the alignment, looks up the bin of the size,
// and moves a pointer by its bytes, in a buffer that was touched before. A free is nothing.
class bump_by_bin {
public:
  static constexpr char const* name = "oracle_bins";
  static bool available() { return true; }
  void* allocate(std::size_t n, std::size_t a) {
    if ((a & (a - 1)) != 0 || a > 16) std::abort();
    std::size_t const rank = zmm::detail::rank_of(n, a);
    if (rank >= classes::limit) std::abort();
    char* const p = at_;
    at_ += zmm::detail::slot_bytes(classes::bin_of(rank));
    if (at_ > end_) std::abort();
    return p;
  }
  void deallocate(void*, std::size_t, std::size_t) {}
  void end() noexcept { at_ = static_cast<char*>(buffer_.data()); }
  template <class Replay> void foretell(Replay) { end(); }

private:
  using classes = zmm::detail::size_classes<8>;
  ready_buffer buffer_;
  char* at_ = static_cast<char*>(buffer_.data());
  char* end_ = at_ + ready_buffer::bytes;
};

using oracle_pmr = pmr_face<oracle>;
using linking_oracle_pmr = pmr_face<linking_oracle>;
using list_oracle_pmr = pmr_face<list_oracle>;
using bump_by_bin_pmr = pmr_face<bump_by_bin>;

}  // namespace bench
