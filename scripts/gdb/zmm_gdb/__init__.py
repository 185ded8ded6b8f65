"""Shows zmm's heaps in gdb. Only reads memory and calls no function of the program, so it works on cores."""
