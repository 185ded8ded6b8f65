// The executable twin of the page layer's invariants.
#pragma once

#include <zmm/chunk/page_layer.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

template <class Geometry, class Source> void page_layer<Geometry, Source>::verify(void const* heap) const noexcept {
  std::size_t listed = 0;
  lists_.for_each([&](chunk_type* c) {
    ++listed;
    extent const e = source_->find(c);
    check(e.start == c && e.is_chunk(), "a chunk in use is in the address index", c, heap);
    check(c->owner == owner_, "a chunk in use belongs to its heap", c, heap);
    check(listed <= chunks_, "the span lists end", c, heap);
    verify_chunk(*c, heap);
  });
  check(listed == chunks_, "every chunk in use is in a span list", nullptr, heap);
  lists_.verify(heap);
}

}}}  // namespace zmm::detail
