// The engines that every container is tried on: one more is one word here.
#pragma once
#include "support/container_kinds.hpp"
#include "support/container_walk.hpp"
#include <doctest/doctest.h>

#define ZMM_TEST_ENGINES zmm::heap, zmm::request_heap, zmm::synchronized_heap, zmm::thread_heap
