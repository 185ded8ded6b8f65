// The program's new and delete.
#include <zmm/replace_new.hpp>

int main() { delete new int; }
