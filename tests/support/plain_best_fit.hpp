// Best fit over all chunks at once, as a model to compare zmm's choice of a chunk with. It looks at every gap of every
// chunk each time, which is too slow for an allocator.
#pragma once
#include <zmm/base/bitmap.hpp>
#include <cstddef>
#include <vector>

namespace zmm_test {

struct page_run {
  std::size_t chunk = 0, first = 0, count = 0;
};

// Where pages come from: the smallest gap of all chunks (`everywhere`), the first of equals; or, as in PHP, the smallest
// gap of the first chunk that has one large enough.
template <std::size_t Pages, std::size_t Header> class plain_best_fit {
public:
  explicit plain_best_fit(bool everywhere = true) : everywhere_(everywhere) {}

  page_run take(std::size_t count) {
    page_run best{chunks_.size(), Header, count};
    std::size_t best_length = Pages + 1;
    for (std::size_t c = 0; c < chunks_.size() && best_length != count; ++c) {
      if (chunks_[c].used == 0) continue;
      for_each_gap(chunks_[c].taken, [&](std::size_t first, std::size_t length) {
        if (length < count || length >= best_length) return;
        best = {c, first, count};
        best_length = length;
      });
      if (!everywhere_ && best.chunk != chunks_.size()) break;
    }
    if (best.chunk == chunks_.size()) best.chunk = add_chunk();
    chunks_[best.chunk].taken.set(best.first, count);
    if ((chunks_[best.chunk].used += count) == count) ++held_;
    return best;
  }

  void give(page_run const& run) {
    chunk& c = chunks_[run.chunk];
    c.taken.clear(run.first, run.count);
    if ((c.used -= run.count) == 0) --held_;
  }

  // Chunks with a live run in them; the others count as given back.
  std::size_t held() const { return held_; }

private:
  struct chunk {
    zmm::detail::bitmap<Pages> taken;
    std::size_t used = 0;  // pages of live runs; 0: given back, and taken again before another chunk is added
  };

  template <class Visit> static void for_each_gap(zmm::detail::bitmap<Pages> const& taken, Visit visit) {
    for (std::size_t gap = taken.next_clear(0); gap < Pages;) {
      std::size_t const end = taken.next_set(gap);
      visit(gap, end - gap);
      gap = taken.next_clear(end);
    }
  }
  std::size_t add_chunk() {
    for (std::size_t c = 0; c < chunks_.size(); ++c) {
      if (chunks_[c].used == 0) return c;
    }
    chunks_.push_back({});
    chunks_.back().taken.set(0, Header);
    return chunks_.size() - 1;
  }

  bool everywhere_;
  std::size_t held_ = 0;
  std::vector<chunk> chunks_;
};

}  // namespace zmm_test
