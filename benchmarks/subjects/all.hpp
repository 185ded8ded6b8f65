// Every subject, in lists that questions choose from. A list's order is the order of a table's rows.
#pragma once

#include "../support/registry.hpp"
#include "arenas.hpp"
#include "boost.hpp"
#include "floor.hpp"
#include "malloc_replacements.hpp"
#include "mimalloc.hpp"
#include "oracle.hpp"
#include "php.hpp"
#include "standard.hpp"
#include "zmm.hpp"

namespace bench {

// Called without a virtual function, all able to reuse what was freed.
using direct_subjects =
    subjects<zmm_heap, zmm_request, zmm_segment, new_delete, mimalloc_heap, jemalloc, tcmalloc, php_emalloc,
             foonathan_pools>;

// Behind one virtual call, all able to reuse what was freed.
using pmr_subjects = subjects<zmm_heap_pmr, zmm_request_pmr, zmm_segment_pmr, zmm_links_pmr, zmm_checked_pmr, zmm_checked_request_pmr, zmm_hardened_pmr,
                              zmm_hardened_request_pmr, zmm_hardened_segment_pmr, new_delete_pmr, std_pool, std_synchronized_pool, std_pool_over_monotonic, boost_pool,
                              mimalloc_pmr, jemalloc_pmr, tcmalloc_pmr, php_pmr, foonathan_pmr>;

// Those that can end a request at once: everything behind pmr that has a release().
using request_subjects = subjects<zmm_request_pmr, zmm_heap_pmr, zmm_links_pmr, zmm_checked_pmr, zmm_checked_request_pmr, zmm_hardened_pmr,
                                  zmm_hardened_request_pmr, std_monotonic, std_pool_over_monotonic, std_pool,
                                  boost_pool, boost_monotonic, mimalloc_pmr, php_pmr, apr_pmr, protobuf_pmr>;

// The limits of those: they have to be told the request's calls before.
using request_oracles = subjects<oracle_pmr, linking_oracle_pmr, list_oracle_pmr, bump_by_bin_pmr>;

// Those that any thread may use at any time, called directly and behind one virtual call.
using direct_thread_subjects =
    subjects<zmm_thread_heap, zmm_synchronized, new_delete, mimalloc_process, jemalloc, tcmalloc>;
using pmr_thread_subjects = subjects<zmm_thread_resource, zmm_synchronized_pmr, new_delete_pmr, std_synchronized_pool,
                                     boost_synchronized_pool, mimalloc_process_pmr, jemalloc_pmr, tcmalloc_pmr>;

}  // namespace bench
