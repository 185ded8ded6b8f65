// The one source file that has the program's new and delete.
#include <zmm/replace_new.hpp>
