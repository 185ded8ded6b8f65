// What a free slot holds.
#pragma once

#include <zmm/base/compiler.hpp>

namespace zmm { inline namespace ZMM_ABI { namespace detail {

struct free_slot {
  free_slot* next;
};

}}}  // namespace zmm::detail
