"""zmm's heaps, looked at from gdb. Reads memory and nothing else: nothing is called in the program, so a core will do."""
