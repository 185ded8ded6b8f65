#!/usr/bin/env bash
# on_x86.sh PROGRAM ARGUMENTS... : runs a program for i686, on the processor if the kernel lets it, else by QEMU. (Such a program starts
# or cannot be executed: 126.)
"$@"
code=$?
[ $code != 126 ] && [ $code != 127 ] || exec qemu-i386 "$@"
exit $code
