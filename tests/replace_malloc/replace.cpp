// The one source file that has the program's malloc.
#include <zmm/replace_malloc.hpp>
