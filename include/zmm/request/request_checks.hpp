// What a request knows to check blocks with.
#pragma once

#include <zmm/hardening/block_tags.hpp>
#include <zmm/hardening/known_chunks.hpp>
#include <zmm/hardening/live_words.hpp>
#include <zmm/request/request_heap_own.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

/// Without check_frees only the links of free blocks have a key.
template <class Options> struct request_checks<Options, true, false> {
  template <class Links> void rekey(Links& links, void const* heap) noexcept { links.rekey(block_keys::draw(), heap); }
};

template <class Options> struct request_checks<Options, true, true> {
  template <class Links> void rekey(Links& links, void const* heap) noexcept {
    block_keys const keys = block_keys::draw();
    links.rekey(keys, heap);
    tags.rekey(keys, heap);
    known = {};
  }

  /// The words in front of blocks: the options may ask for tags.
  std::conditional_t<Options::tag_blocks, block_tags<Options, word_place::front>, live_words<Options::zero_on_free>> tags;
  known_chunks<chunk<typename Options::geometry>> known;  ///< chunks in which a block of this request was seen
};

}}}  // namespace zmm::detail
