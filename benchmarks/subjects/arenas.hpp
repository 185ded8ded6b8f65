// Arenas and pools of other libraries: foonathan/memory, APR pools, protobuf's Arena.
#pragma once

#include <new>

#if defined(ZMM_BENCHMARK_FOONATHAN)
#include <foonathan/memory/memory_pool_collection.hpp>
#endif
#if defined(ZMM_BENCHMARK_APR)
#include <apr_general.h>
#include <apr_pools.h>
#endif
#if defined(ZMM_BENCHMARK_PROTOBUF)
#include <google/protobuf/arena.h>
#endif

#include "standard.hpp"

namespace bench {

struct absent {
  static bool available() { return false; }
  void* allocate(std::size_t, std::size_t) { return nullptr; }
  void deallocate(void*, std::size_t, std::size_t) {}
};

// A collection of node pools with power-of-two buckets; nodes above 4 KiB go to operator new, as with its fallback
// allocator.
#if defined(ZMM_BENCHMARK_FOONATHAN)
class foonathan_pools {
public:
  static constexpr char const* name = "foonathan_pools";
  static constexpr std::size_t max_alignment = 8;
  static bool available() { return true; }
  void* allocate(std::size_t n, std::size_t) { return n <= largest ? pools_.allocate_node(n) : ::operator new(n); }
  void deallocate(void* p, std::size_t n, std::size_t) {
    if (n <= largest) {
      pools_.deallocate_node(p, n);
    } else {
      ::operator delete(p, n);
    }
  }

private:
  static constexpr std::size_t largest = 4096;
  foonathan::memory::memory_pool_collection<foonathan::memory::node_pool, foonathan::memory::log2_buckets> pools_{
      largest, std::size_t{1} << 20};
};
#else
struct foonathan_pools : absent {
  static constexpr char const* name = "foonathan_pools";
};
#endif

// apr_palloc: 8-aligned, freed only as a whole.
#if defined(ZMM_BENCHMARK_APR)
class apr_pool {
public:
  static constexpr char const* name = "apr_pool";
  static constexpr std::size_t max_alignment = 8;
  static bool available() {
    static bool const started = apr_initialize() == APR_SUCCESS;
    return started;
  }
  apr_pool() {
    if (apr_pool_create(&pool_, nullptr) != APR_SUCCESS) throw std::bad_alloc{};
  }
  apr_pool(apr_pool const&) = delete;
  apr_pool& operator=(apr_pool const&) = delete;
  ~apr_pool() { apr_pool_destroy(pool_); }

  void* allocate(std::size_t n, std::size_t) { return apr_palloc(pool_, n); }
  void deallocate(void*, std::size_t, std::size_t) {}
  void end() noexcept { apr_pool_clear(pool_); }

private:
  apr_pool_t* pool_ = nullptr;
};
#else
struct apr_pool : absent {
  static constexpr char const* name = "apr_pool";
  void end() noexcept {}
};
#endif

// protobuf's Arena over a ready first block, like the monotonic buffers; freed only as a whole.
#if defined(ZMM_BENCHMARK_PROTOBUF)
class protobuf_arena {
public:
  static constexpr char const* name = "protobuf_arena";
  static constexpr std::size_t max_alignment = 8;
  static bool available() { return true; }
  void* allocate(std::size_t n, std::size_t) { return google::protobuf::Arena::CreateArray<char>(&arena_, n); }
  void deallocate(void*, std::size_t, std::size_t) {}
  void end() noexcept { arena_.Reset(); }

private:
  google::protobuf::ArenaOptions options() {
    google::protobuf::ArenaOptions result;
    result.initial_block = static_cast<char*>(buffer_.data());
    result.initial_block_size = ready_buffer::bytes;
    return result;
  }
  ready_buffer buffer_;
  google::protobuf::Arena arena_{options()};
};
#else
struct protobuf_arena : absent {
  static constexpr char const* name = "protobuf_arena";
  void end() noexcept {}
};
#endif

using foonathan_pmr = pmr_face<foonathan_pools>;
using apr_pmr = pmr_face<apr_pool>;
using protobuf_pmr = pmr_face<protobuf_arena>;

}  // namespace bench
