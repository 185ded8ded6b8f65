// libzmm_malloc.so: C's malloc family on thread_heap, for programs as they are (docs/replacing-malloc.md).
#include <zmm/replace_malloc.hpp>
