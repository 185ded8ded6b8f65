// Boost.Container's pmr resources. They derive from boost::container::pmr::memory_resource, so allocate() calls through
// that base; resource() is a std::pmr view for containers, whose one extra call is bound statically.
#pragma once

#if defined(ZMM_BENCHMARK_BOOST)
#include <boost/container/pmr/monotonic_buffer_resource.hpp>
#include <boost/container/pmr/synchronized_pool_resource.hpp>
#include <boost/container/pmr/unsynchronized_pool_resource.hpp>
#endif

#include "standard.hpp"

namespace bench {

#if defined(ZMM_BENCHMARK_BOOST)

template <class Resource> class behind_boost {
public:
  static bool available() { return true; }
  void* allocate(std::size_t n, std::size_t a) { return base_->allocate(n, a); }
  void deallocate(void* p, std::size_t n, std::size_t a) { base_->deallocate(p, n, a); }
  void end() noexcept { own_.release(); }
  std::pmr::memory_resource* resource() noexcept { return opaque<std::pmr::memory_resource>(&view_); }

private:
  class std_view final : public std::pmr::memory_resource {
  public:
    explicit std_view(Resource& target) noexcept : target_{target} {}

  private:
    void* do_allocate(std::size_t n, std::size_t a) override { return target_.allocate(n, a); }
    void do_deallocate(void* p, std::size_t n, std::size_t a) override { target_.deallocate(p, n, a); }
    bool do_is_equal(std::pmr::memory_resource const& other) const noexcept override { return this == &other; }
    Resource& target_;
  };

  Resource own_;
  boost::container::pmr::memory_resource* base_ = opaque<boost::container::pmr::memory_resource>(&own_);
  std_view view_{own_};
};

class boost_monotonic_over_ready_buffer : ready_buffer, public boost::container::pmr::monotonic_buffer_resource {
public:
  boost_monotonic_over_ready_buffer() : boost::container::pmr::monotonic_buffer_resource(data(), bytes) {}
};

struct boost_pool : behind_boost<boost::container::pmr::unsynchronized_pool_resource> {
  static constexpr char const* name = "boost_pool";
};
struct boost_synchronized_pool : behind_boost<boost::container::pmr::synchronized_pool_resource> {
  static constexpr char const* name = "boost_synchronized_pool";
};
struct boost_monotonic : behind_boost<boost_monotonic_over_ready_buffer> {
  static constexpr char const* name = "boost_monotonic";
};

#else

struct absent_boost : new_delete_pmr {
  static bool available() { return false; }
  void end() noexcept {}
};
struct boost_pool : absent_boost {
  static constexpr char const* name = "boost_pool";
};
struct boost_synchronized_pool : absent_boost {
  static constexpr char const* name = "boost_synchronized_pool";
};
struct boost_monotonic : absent_boost {
  static constexpr char const* name = "boost_monotonic";
};

#endif

}  // namespace bench
