// The version in the preprocessor and in the program are one.
#include <zmm/version.hpp>

#include <doctest/doctest.h>

TEST_CASE("version: macros and constant agree") {
  CHECK(zmm::version.major == ZMM_VERSION_MAJOR);
  CHECK(zmm::version.minor == ZMM_VERSION_MINOR);
  CHECK(zmm::version.patch == ZMM_VERSION_PATCH);
}
