// Segment heaps and their face for std::pmr: segment_heap, segment_resource. Hardened ones need <zmm/hardened.hpp>, too, debug
// ones <zmm/debug.hpp>. faces/pmr_resource.hpp and allocator.hpp describe the faces.
#pragma once

#include <zmm/faces/pmr_resource.hpp>
#include <zmm/segment/sealed_words.hpp>
#include <zmm/segment/segment_heap.hpp>
