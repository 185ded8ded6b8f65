"""Runs in gdb: compares what it says of `inspected` with docs/gdb.md, and with the program itself.

Environment: GUIDE, the document; CORES, a folder to write core files to, or nothing; PART, which part of the session is to
be compared on a core, or nothing: the program runs."""
import os
import random
import re
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from figures import faults_of, told  # noqa: E402
from guide import masked, sessions  # noqa: E402

FUNCTIONS = ("everything_is_there", "something_is_damaged")
WRONG = re.compile(r"Traceback|Python Exception|Error occurred in Python|internal-error")
faults = []


def compare(part):
    assert part, "the guide shows nothing"
    for command, answer in part:
        said = masked(told(command)).rstrip("\n").split("\n")
        said = [line.rstrip() for line in said]
        if said != answer:
            faults.append("(gdb) %s\nwas to say\n%s\nand said\n%s" % (command, "\n".join(answer), "\n".join(said)))


def compare_figures():
    """zmm heap says what stats() said."""
    answers, count = gdb.parse_and_eval("answers"), int(gdb.parse_and_eval("answer_count"))
    cases = [(answers[i]["heap"].string(), answers[i]["said"]) for i in range(count)]
    for name, said in cases + [("pool", gdb.parse_and_eval("pool_said"))]:
        faults.extend(faults_of(name, said))
        for command in ("print ", "zmm bins ", "zmm map "):
            text = told(command + name)
            if WRONG.search(text):
                faults.append("%s%s says %s" % (command, name, text))


def write_into():
    """Whatever lies in a heap and its chunks, there is an answer. With the program running only."""
    inferior, random_words = gdb.selected_inferior(), random.Random(7)
    names = ("orders", "debug", "hardened", "segments", "hardened_segments", "small", "request", "shared", "pool")
    for name in names:
        value = gdb.parse_and_eval(name)
        places = [(int(value.address), value.type.sizeof)] * 3
        match = re.search(r"^  (0x[0-9a-f]+): \d+ pages? free", told("zmm map " + name), re.M)
        if match:
            places.append((int(match[1], 16), 4096))
        elif name != "request":
            faults.append("zmm map %s shows no chunk to write into" % name)
        for _ in range(12):
            start, size = random_words.choice(places)
            at = start + 8 * random_words.randrange(size // 8)
            before = inferior.read_memory(at, 8).tobytes()
            garbage = random_words.choice((0, 1, 8, 0x4141414141414141, random_words.getrandbits(64), at,
                                           (1 << 64) - 1, int.from_bytes(before, "little") ^ 1 << 20))
            inferior.write_memory(at, garbage.to_bytes(8, "little"))
            for command in ("zmm heap ", "zmm bins ", "zmm map ", "zmm verify ", "zmm sites ", "print "):
                text = told(command + name)
                if WRONG.search(text) or not text.strip():
                    faults.append("%s%s, with 0x%x at +%d, says %s" % (command, name, garbage, at - start, text))
            inferior.write_memory(at, before)


def refuse_nonsense():
    """What nobody should ask has an answer too."""
    for command in ("zmm block", "zmm block 0", "zmm block nothing", "zmm block 1+", "zmm heap 3", "zmm bins pool",
                    "zmm requests orders", "zmm sites orders", "zmm find", "zmm refs 1", "zmm map request",
                    "zmm block 0xffffffffffffffff", "zmm heap *(zmm::heap*)0", "zmm verify *(zmm::heap*)8"):
        text = told(command)
        if WRONG.search(text) or not text.strip():
            faults.append("%s says %s" % (command, text))


def to_frame_of_main():
    while gdb.selected_frame().name() != "main":
        gdb.selected_frame().older().select()


def run():
    parts = sessions()
    if os.environ.get("PART"):
        to_frame_of_main()
        compare(parts[int(os.environ["PART"])])
        if os.environ["PART"] == "0":
            compare_figures()
        return
    for function in FUNCTIONS:
        gdb.Breakpoint(function)
    gdb.execute("run", to_string=True)
    for i, part in enumerate(parts):
        to_frame_of_main()
        if os.environ.get("CORES"):
            gdb.execute("generate-core-file %s/%d" % (os.environ["CORES"], i), to_string=True)
        compare(part)
        if i == 0:
            compare_figures()
            refuse_nonsense()
            write_into()
            gdb.execute("continue", to_string=True)


gdb.execute("set width 0")
gdb.execute("set pagination off")
gdb.execute("set confirm off")
try:
    run()
except Exception as e:  # the test's own fault
    import traceback
    faults.append(traceback.format_exc() if not isinstance(e, gdb.error) else "gdb: %s" % e)
for fault in faults:
    print(fault)
if faults:
    print("session: %d faults" % len(faults))
gdb.execute("kill" if not os.environ.get("PART") and gdb.selected_inferior().pid else "echo", to_string=True)
gdb.execute("quit %d" % (1 if faults else 0))
