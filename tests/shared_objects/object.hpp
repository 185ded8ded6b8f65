// What each of the two shared objects shows to the program; everything else in them is hidden.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <zmm/fwd.hpp>

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
  [[gnu::visibility("default")]] void pass_limit();                                  \
  [[gnu::visibility("default")]] void use_up_storage();                              \
  [[gnu::visibility("default")]] char const* name_of(std::pmr::memory_resource*, zmm::storage*); \
  [[gnu::visibility("default")]] void* current_heap() noexcept;                      \
  [[gnu::visibility("default")]] void* current_hidden() noexcept;                    \
  [[gnu::visibility("default")]] char* copy_of(char const* text);                    \
  [[gnu::visibility("default")]] void free_copy(char* copy) noexcept;                \
  [[gnu::visibility("default")]] void fail();                                        \
  }

ZMM_SHARED_OBJECT_DECLARE(first)
ZMM_SHARED_OBJECT_DECLARE(second)
