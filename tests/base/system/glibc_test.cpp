// The C library's functions as zmm declares them are the headers' own.
#include <zmm/base/system.hpp>

#include <cerrno>
#include <cstdlib>
#include <doctest/doctest.h>
#include <pthread.h>
#include <sys/resource.h>
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
// ssize_t and size_t are int and unsigned on some machines of 32 bits, where zmm says long: passed and returned alike.
template <class A, class B> constexpr bool same_integer = sizeof(A) == sizeof(B) && std::is_signed_v<A> == std::is_signed_v<B>;

static_assert(std::is_same_v<host::thread, pthread_t>);
static_assert(std::is_same_v<host::thread_key, pthread_key_t>);
static_assert(same_integer<long, ssize_t>);
static_assert(ZMM_LIMIT_OF_ADDRESSES == RLIMIT_AS);
static_assert(same_call(&zmm_secure_getenv, &::secure_getenv));
static_assert(same_call(&zmm_c_malloc, &::malloc));
static_assert(same_call(&zmm_posix_memalign, &::posix_memalign));
static_assert(same_call(&zmm_c_free, &::free));
static_assert(same_call(&zmm_getpagesize, &::getpagesize));
static_assert(same_call(&zmm_getpid, &::getpid));
static_assert(same_call(&zmm_system_call, &::syscall));
static_assert(same_call(&zmm_last_error, &::__errno_location));
static_assert(same_call(&zmm_thread_self, &::pthread_self));
static_assert(same_call(&zmm_key_create, &::pthread_key_create));
static_assert(same_call(&zmm_key_delete, &::pthread_key_delete));
static_assert(same_call(&zmm_key_set, &::pthread_setspecific));
static_assert(same_call(&zmm_at_fork, &::pthread_atfork));

TEST_CASE("glibc: the functions declared here are the C library's") {
  CHECK(host::process_number() == ::getpid());
  CHECK(host::this_thread() == ::pthread_self());
  CHECK(host::page_size() == static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
}

TEST_CASE("linux: what is asked of the kernel by number is what the C library says") {
  rlimit same{};
  REQUIRE(::getrlimit(RLIMIT_AS, &same) == 0);
  CHECK(host::most_addresses() ==
        (same.rlim_cur == RLIM_INFINITY ? ~std::size_t{0} : static_cast<std::size_t>(same.rlim_cur)));

  std::size_t const word = 4711;
  std::size_t read = 0;
  if (host::peek(&word, &read, sizeof read)) CHECK(read == word);  // a process may be forbidden to ask
  CHECK_FALSE(host::peek(reinterpret_cast<void*>(std::uintptr_t{4096}), &read, sizeof read));

  std::uint64_t drawn[2] = {0, 0};
  REQUIRE(host::draw(drawn, sizeof drawn));
  CHECK((drawn[0] != 0 && drawn[1] != 0 && drawn[0] != drawn[1]));
  CHECK(host::moment() > 0);

  std::uint32_t value = 1;
  CHECK(host::wait(&value, 2, 0));        // it is not what was seen
  CHECK_FALSE(host::wait(&value, 1, 2));  // nobody wakes it
  CHECK_FALSE(host::has_ended(host::this_thread_number()));
}
}  // namespace
