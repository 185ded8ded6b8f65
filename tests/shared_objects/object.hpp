// What each of the two shared objects shows to the program; everything else in them is hidden.
#pragma once

#include <cstddef>
#include <memory_resource>

#define ZMM_SHARED_OBJECT_DECLARE(object)                                            \
  namespace object {                                                                 \
  [[gnu::visibility("default")]] void const* default_pool() noexcept;                \
  [[gnu::visibility("default")]] void* stop_handler_before() noexcept;               \
  [[gnu::visibility("default")]] std::pmr::memory_resource* begin_request();         \
  [[gnu::visibility("default")]] void end_request(std::pmr::memory_resource*) noexcept; \
  [[gnu::visibility("default")]] std::pmr::memory_resource* thread_resource() noexcept; \
  [[gnu::visibility("default")]] void* allocate(std::size_t bytes);                  \
  [[gnu::visibility("default")]] void deallocate(void* block, std::size_t bytes) noexcept; \
  [[gnu::visibility("default")]] bool owns(void const* block) noexcept;              \
  }

ZMM_SHARED_OBJECT_DECLARE(first)
ZMM_SHARED_OBJECT_DECLARE(second)
