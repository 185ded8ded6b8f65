// What is in a heap: which blocks are live, where they lie, who allocated them.
//
//     heap.visit([](zmm::block_info const& b) {
//       std::printf("%p: %zu bytes, %s:%u\n", b.address, b.bytes, b.site.file, b.site.line);   // debug heaps know places
//       return true;                                                                           // false: enough
//     });
//     heap.visit([](zmm::area_info const& a) { … return true; });      // runs, large and huge blocks, slabs, segments
//
// A visitor may take both areas and blocks: then it gets each area before its blocks. In engines with a watch, which lists the
// blocks itself, all blocks come after all areas.
//
// Memory: a visit allocates nothing in the engine it visits. It copies the engine's maps in parts of at most 64 chunks
// (2.2 MiB, from the system), and calls the visitor after each copy. So the visitor may allocate, free and print, even in
// that engine. Each part is of one moment. A block that is allocated or freed during the visit may or may not be visited;
// one that lives all the time is visited exactly once. The visitor must not release or destroy the engine.
#pragma once
#include <zmm/blocks/block_info.hpp>
#include <zmm/inspect/areas.hpp>
#include <zmm/inspect/find_block.hpp>
#include <zmm/inspect/json.hpp>
#include <zmm/inspect/map.hpp>
#include <zmm/inspect/metrics.hpp>
#include <zmm/inspect/requests.hpp>
