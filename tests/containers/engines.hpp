// The engines that every container is tried on: ZMM_TEST_ENGINES, which tests/CMakeLists.txt defines.
#pragma once
#include "support/container_kinds.hpp"
#include "support/container_walk.hpp"
#include <doctest/doctest.h>
