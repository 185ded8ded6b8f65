// synchronized_resource: see resource.hpp.
#pragma once

#include <zmm/resource.hpp>
