// The C library's functions as zmm declares them are the headers' own.
#include <zmm/base/libc.hpp>

#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <pthread.h>
#include <sched.h>
#include <type_traits>
#include <unistd.h>

namespace {
using namespace zmm::detail;

// Whether calls of both pass the same arguments and results. noexcept is part of a type and not of a call.
template <class R, class... A, bool N, bool M>
constexpr bool same_call(R (*)(A...) noexcept(N), R (*)(A...) noexcept(M)) {
  return true;
}
template <class R, class... A, bool N, bool M>
constexpr bool same_call(R (*)(A..., ...) noexcept(N), R (*)(A..., ...) noexcept(M)) {
  return true;
}

static_assert(std::is_same_v<os_thread, pthread_t>);
static_assert(std::is_same_v<os_thread_key, pthread_key_t>);
static_assert(same_call(&zmm_dprintf, &::dprintf));
static_assert(same_call(&zmm_secure_getenv, &::secure_getenv));
static_assert(same_call(&zmm_malloc, &::malloc));
static_assert(same_call(&zmm_posix_memalign, &::posix_memalign));
static_assert(same_call(&zmm_free, &::free));
static_assert(same_call(&zmm_getpagesize, &::getpagesize));
static_assert(same_call(&zmm_getpid, &::getpid));
static_assert(same_call(&zmm_sched_yield, &::sched_yield));
static_assert(same_call(&zmm_thread_self, &::pthread_self));
static_assert(same_call(&zmm_key_create, &::pthread_key_create));
static_assert(same_call(&zmm_key_delete, &::pthread_key_delete));
static_assert(same_call(&zmm_key_set, &::pthread_setspecific));
static_assert(same_call(&zmm_at_fork, &::pthread_atfork));

TEST_CASE("libc: the functions declared here are the C library's") {
  CHECK(zmm_getpid() == ::getpid());
  CHECK(zmm_thread_self() == ::pthread_self());
  CHECK(zmm_getpagesize() == static_cast<int>(::sysconf(_SC_PAGESIZE)));
}
}  // namespace
