// Segment heaps and their face for std::pmr: segment_heap, segment_resource. The hardened ones need <zmm/hardened.hpp> too, debug
// ones <zmm/debug.hpp>. What is said of the faces in faces/pmr_resource.hpp and allocator.hpp holds.
#pragma once

#include <zmm/faces/pmr_resource.hpp>
#include <zmm/segment/sealed_words.hpp>
#include <zmm/segment/segment_heap.hpp>
