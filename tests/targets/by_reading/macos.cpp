// base/system/macos.hpp compiles against declarations of macOS' manuals, which stand in the folder beside.
#include <zmm/base/bits.hpp>
#include <zmm/base/system/bare.hpp>
#include <zmm/base/system/macos.hpp>

template struct zmm::detail::berkeley_system<zmm::detail::macos_system>;
static_assert(zmm::detail::macos_system::maps_aligned);
