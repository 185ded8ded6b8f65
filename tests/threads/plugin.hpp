#pragma once
#include <cstddef>

extern "C" {
[[gnu::visibility("default")]] void* plugin_allocate(std::size_t bytes);
[[gnu::visibility("default")]] void plugin_deallocate(void* block, std::size_t bytes);
[[gnu::visibility("default")]] std::size_t plugin_live_blocks();
[[gnu::visibility("default")]] int plugin_sum();
}
