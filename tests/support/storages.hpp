// Every storage, each behind the same fixture: whether any thread may use it, and whether its memory is malloc's.
#pragma once
#include <zmm/storages.hpp>
#include <sys/mman.h>
#include <unistd.h>
#include <cstddef>
#include <memory_resource>
#include <vector>

namespace zmm_test {

struct from_os { static constexpr bool shared = true, is_malloc = false; zmm::storage& get() { return zmm::os_storage(); } };
struct from_huge { static constexpr bool shared = true, is_malloc = false; zmm::storage& get() { return zmm::huge_page_storage(); } };
struct from_hugetlb { static constexpr bool shared = true, is_malloc = false; zmm::storage& get() { return zmm::hugetlb_storage(); } };
struct from_zero { static constexpr bool shared = true, is_malloc = false; zmm::storage& get() { return zmm::zero_storage(); } };
struct from_malloc { static constexpr bool shared = true, is_malloc = true; zmm::storage& get() { return zmm::malloc_storage(); } };
struct from_node { static constexpr bool shared = true, is_malloc = false; zmm::storage& get() { return zmm::numa_storage(0); } };
struct from_absent_node { static constexpr bool shared = true, is_malloc = false; zmm::storage& get() { return zmm::numa_storage(zmm::numa_nodes - 1); } };

class from_resource {
public:
  static constexpr bool shared = false, is_malloc = true;
  zmm::storage& get() { return storage_; }

private:
  zmm::resource_storage storage_{std::pmr::new_delete_resource()};
};

class from_buffer {
public:
  static constexpr bool shared = false, is_malloc = false;
  zmm::storage& get() { return storage_; }

private:
  std::vector<unsigned char> memory_ = std::vector<unsigned char>(std::size_t{96} << 20);
  zmm::buffer_storage storage_{memory_.data(), memory_.size()};
};

// A file without a name, in memory.
class from_file {
public:
  static constexpr bool shared = false, is_malloc = false;
  from_file() { ::close(file_); }
  zmm::storage& get() { return storage_; }

private:
  int file_ = ::memfd_create("zmm test", 0);
  zmm::file_storage storage_{file_, 0, std::size_t{96} << 20};
};

}  // namespace zmm_test

#define ZMM_TEST_STORAGES                                                                                              \
  zmm_test::from_os, zmm_test::from_huge, zmm_test::from_hugetlb, zmm_test::from_zero, zmm_test::from_malloc,          \
      zmm_test::from_node, zmm_test::from_absent_node, zmm_test::from_resource, zmm_test::from_buffer,                 \
      zmm_test::from_file
