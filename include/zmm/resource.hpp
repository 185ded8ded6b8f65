// The resources: heap_resource, request_resource, synchronized_resource and thread_resource(). A hardened one needs
// <zmm/hardened.hpp>, too, a debug one <zmm/debug.hpp>, a segment heap's <zmm/segment_resource.hpp>.
#pragma once

#include <zmm/heap_resource.hpp>
#include <zmm/request_resource.hpp>
#include <zmm/synchronized_resource.hpp>
