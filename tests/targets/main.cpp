// Unit tests of other targets. ZMM_TEST_PAGE in the environment: they run as if the system's page had so many bytes, a multiple of what
// it has.
#define DOCTEST_CONFIG_IMPLEMENT
#include <cstdlib>
#include <doctest/doctest.h>
#include <zmm/zmm.hpp>

int main(int argc, char** argv) {
  if (const char* page = std::getenv("ZMM_TEST_PAGE")) zmm::detail::known_page_size.store(std::strtoul(page, nullptr, 10));
  return doctest::Context(argc, argv).run();
}
