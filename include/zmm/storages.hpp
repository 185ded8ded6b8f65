// Every storage: where a heap's chunks may come from.
//
//     os_storage()          anonymous mappings; what every heap takes if it is told nothing
//     huge_page_storage()   the same, with the advice to back them by huge pages
//     hugetlb_storage()     the system's pool of huge pages, then ordinary ones
//     numa_storage(node)    pages of one node
//     zero_storage()        private mappings of /dev/zero
//     malloc_storage()      the C library's malloc
//     file_storage          a part of a file of the caller's
//     buffer_storage        a buffer of the caller's
//     resource_storage      a std::pmr::memory_resource
//
// storage_named() has those that are functions by name. A storage of one's own derives from zmm::storage.
#pragma once

#include <zmm/storage/buffer_storage.hpp>
#include <zmm/storage/file_storage.hpp>
#include <zmm/storage/resource_storage.hpp>
#include <zmm/storage/storage_named.hpp>
