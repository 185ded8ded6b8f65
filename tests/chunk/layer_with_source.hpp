// A page layer together with the chunk source beneath it, put together as a heap does.
#pragma once
#include <zmm/chunk/page_layer.hpp>
#include <cstddef>

namespace zmm_test {

template <class Geometry> struct source_first {
  explicit source_first(zmm::storage& from) : below(from) {}
  zmm::detail::chunk_source<Geometry> below;
};

template <class Geometry> class layer_with_source : source_first<Geometry>, public zmm::detail::page_layer<Geometry> {
public:
  using layer = zmm::detail::page_layer<Geometry>;
  explicit layer_with_source(zmm::storage& from) : source_first<Geometry>(from), layer(&(source_first<Geometry>::below)) {}

  auto& book() { return layer::source().book(); }
  std::size_t cached_chunks() const { return layer::source().cached_chunks(); }
  std::size_t huge_blocks() const { return layer::source().huge_blocks(); }
  std::size_t huge_bytes() const { return layer::source().huge_bytes(); }
  void* take_huge(std::size_t bytes, std::size_t alignment, std::size_t tag, zmm::detail::admission& asked) {
    return layer::source().take_huge(bytes, alignment, tag, asked);
  }
  std::size_t drop_cached() { return layer::source().drop_cached(); }
  std::size_t trim() { return layer::purge() + layer::source().trim(); }
  void end_request() { layer::source().end_request(); }
  void release() {
    layer::source().release_huge();
    layer::release();
    end_request();
  }
  void verify(void const* heap) const {
    layer::source().verify(heap);
    layer::verify(heap);
  }
};

}  // namespace zmm_test
