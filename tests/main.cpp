#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "support/lock_order.hpp"
#include <doctest/doctest.h>
