// base/system/freebsd.hpp compiles against declarations of FreeBSD's manuals, which stand in the folder beside.
#include <zmm/base/bits.hpp>
#include <zmm/base/system/bare.hpp>
#include <zmm/base/system/freebsd.hpp>

template struct zmm::detail::berkeley_system<zmm::detail::freeberkeley_system>;
static_assert(zmm::detail::freeberkeley_system::maps_aligned);
