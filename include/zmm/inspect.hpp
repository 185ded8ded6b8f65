// A look inside: which blocks live in a heap, where they lie, who allocated them.
//
//     heap.visit([](zmm::block_info const& b) {
//       std::printf("%p: %zu bytes, %s:%u\n", b.address, b.bytes, b.site.file, b.site.line);   // debug heaps know places
//       return true;                                                                           // false: enough
//     });
//     heap.visit([](zmm::area_info const& a) { … return true; });      // runs, large and huge blocks, slabs, segments
//
// A visitor may take both, areas and blocks: then each area is told of before its blocks, but for engines with a watch, which
// know their blocks themselves: those come after all areas.
//
// Memory: a visit allocates nothing in the engine it visits. It copies a part of what there is, at most 64 chunks' maps
// (2.2 MiB, from the system), and tells of it then; so the visitor may allocate, free and print, in that engine too. Each
// part is of one moment. What is allocated or freed while the visit goes on may be told of or not; what lives all the time
// is told of exactly once. The visitor may not release or end the engine.
#pragma once
#include <zmm/blocks/block_info.hpp>
#include <zmm/inspect/areas.hpp>
#include <zmm/inspect/find_block.hpp>
#include <zmm/inspect/json.hpp>
#include <zmm/inspect/map.hpp>
#include <zmm/inspect/metrics.hpp>
#include <zmm/inspect/requests.hpp>
