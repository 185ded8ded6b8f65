// The version of zmm, for the preprocessor and for programs.
#pragma once

#include <zmm/base/compiler.hpp>

#define ZMM_VERSION_MAJOR 0
#define ZMM_VERSION_MINOR 1
#define ZMM_VERSION_PATCH 0

namespace zmm { inline namespace ZMM_ABI {

struct version_info {
  int major, minor, patch;
};

/// The version of the headers that this translation unit was compiled with.
inline constexpr version_info version{ZMM_VERSION_MAJOR, ZMM_VERSION_MINOR, ZMM_VERSION_PATCH};

}}  // namespace zmm
