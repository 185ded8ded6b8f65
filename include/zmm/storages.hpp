// Every storage: where a heap's chunks may come from.
//
//     os_storage()          anonymous mappings; the default of every heap
//     huge_page_storage()   the same, with advice to the system to back them by huge pages
//     hugetlb_storage()     the system's pool of huge pages; ordinary pages when it is empty
//     numa_storage(node)    pages of one node
//     zero_storage()        private mappings of /dev/zero
//     malloc_storage()      the C library's malloc
//     file_storage          a part of a file of the caller
//     buffer_storage        a buffer of the caller
//     resource_storage      a std::pmr::memory_resource
//
// storage_named() returns those that are functions, by name. Your own storage derives from zmm::storage.
#pragma once

#include <zmm/storage/buffer_storage.hpp>
#include <zmm/storage/file_storage.hpp>
#include <zmm/storage/resource_storage.hpp>
#include <zmm/storage/storage_named.hpp>
