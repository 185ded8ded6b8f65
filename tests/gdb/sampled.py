"""Runs in gdb: compares what it says of `sampled`, whose heaps are sampled, with the program itself."""
import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from figures import faults_of, told  # noqa: E402

BLOCKS = (("live_block", ", live"), ("live_pages", "a block of 25 pages"), ("freed_block", "free"),
          ("live_in_request", "a block of its own pages"), ("freed_in_request", "free"))
faults = []

gdb.execute("set pagination off")
gdb.execute("break look_at_this")
gdb.execute("run", to_string=True)
for stop in ("on", "off again"):
    gdb.execute("up", to_string=True)
    answers = gdb.parse_and_eval("answers")
    for i in range(answers.type.range()[1] + 1):
        faults += faults_of(answers[i]["heap"].string(), answers[i]["said"])
    faults += faults_of("pool", gdb.parse_and_eval("pool_said"))
    for block, expected in BLOCKS:
        text = told("zmm block " + block)
        if expected not in text:
            faults.append("%s: zmm block %s says %s" % (stop, block, text))
    gdb.execute("continue", to_string=True)
print("\n".join(faults) or "as the program says")
gdb.execute("quit %d" % (1 if faults else 0))
