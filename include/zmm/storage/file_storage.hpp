// Chunks from a file of the caller, so that a heap can lie on tmpfs, on hugetlbfs or in the memory of a device.
#pragma once

#include <zmm/base/system_kinds.hpp>
#include <zmm/storage/buffer_storage.hpp>
#include <zmm/storage/os_storage.hpp>

namespace zmm { inline namespace ZMM_ABI {

/// Hands out parts of [offset, offset + bytes) of an open file, as buffer_storage does with a buffer. The mapping is
/// shared: what heaps write goes into the file, over what was there. One thread at a time; after a fork() only one of
/// the processes may go on using it.
///
/// The file system sets aside all of the part at once, and the file grows if it is too short. So a full file system
/// refuses here, instead of ending the program by a signal at the first touch. For the same reason nothing is purged;
/// memory goes back to the file system when its owner truncates the file. On a file system without fallocate() the
/// file has to be long enough already.
class file_storage final : public storage {
public:
  /// Effects: maps the part. The descriptor may be closed afterwards.
  /// Requires: the file can be read and written; offset and bytes are multiples of the OS page, on hugetlbfs of a huge
  /// page. If the part cannot be mapped, the storage has no memory, and the file keeps its length.
  file_storage(int fd, std::size_t offset, std::size_t bytes) noexcept
      : start_(map(fd, offset, bytes)), bytes_(start_ != nullptr ? bytes : 0), parts_(start_, bytes_) {}
  ~file_storage() {
    if (start_ == nullptr) return;
    detail::last_error_guard const keep;
    if (!detail::os_unmap(start_, bytes_)) detail::keep_sealed(start_, bytes_);
  }

  std::size_t bytes() const noexcept { return bytes_; }  ///< of the part; 0: it could not be mapped

  void* allocate(std::size_t bytes, std::size_t alignment, std::size_t reserve) override {
    return parts_.allocate(bytes, alignment, reserve);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t reserve) noexcept override {
    parts_.deallocate(block, bytes, reserve);
  }
  bool extend(void* block, std::size_t from, std::size_t to) noexcept override {
    return parts_.extend(block, from, to);
  }
  bool truncate(void* block, std::size_t from, std::size_t to) noexcept override {
    return parts_.truncate(block, from, to);
  }

private:
  static void* map(int fd, std::size_t offset, std::size_t bytes) noexcept {
    detail::last_error_guard const keep;
    return bytes != 0 ? detail::host_kinds::map_file(fd, offset, bytes) : nullptr;
  }

  void* start_;
  std::size_t bytes_;
  buffer_storage parts_;
};

}}  // namespace zmm
