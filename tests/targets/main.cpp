// Unit tests of other targets. ZMM_TEST_PAGE: they run as if the system's page had so many bytes, a multiple of what it has.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <zmm/zmm.hpp>

int main(int argc, char** argv) {
#if defined(ZMM_TEST_PAGE)
  zmm::detail::known_page_size.store(ZMM_TEST_PAGE);
#endif
  return doctest::Context(argc, argv).run();
}
