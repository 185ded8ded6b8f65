# The warnings that tests, examples and benchmarks are compiled with, zmm's headers among them. Never exported: what a
# user of zmm is warned about is the user's choice.
add_library(zmm_warnings INTERFACE)
target_compile_options(zmm_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
