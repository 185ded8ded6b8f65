"""Runs in gdb: compares what it says of `sampled`, whose heaps are sampled, with the program itself."""
import gdb

BLOCKS = (("live_block", ", live"), ("live_pages", "a block of 25 pages"), ("freed_block", "free"),
          ("live_in_request", "a block of its own pages"), ("freed_in_request", "free"))
faults = []


def told(command):
    try:
        return gdb.execute(command, to_string=True)
    except gdb.error as e:
        return "%s\n" % e


def compare(name, said):
    text, compared = told("zmm heap " + name), 0
    lines = dict(line.split(None, 1) for line in text.split("\n")[1:] if len(line.split(None, 1)) == 2)
    for field in said.type.fields():
        if field.name in lines:
            compared += 1
            if lines[field.name] != str(int(said[field])):
                faults.append("zmm heap %s: %s is %s, and not %s" % (name, field.name, said[field], lines[field.name]))
    if compared < 6:
        faults.append("zmm heap %s says %s" % (name, text))
    text = told("zmm verify " + name)
    if not text.endswith(": whole\n"):
        faults.append("zmm verify %s says %s" % (name, text))


gdb.execute("set pagination off")
gdb.execute("break look_at_this")
gdb.execute("run", to_string=True)
for stop in ("on", "off again"):
    gdb.execute("up", to_string=True)
    answers = gdb.parse_and_eval("answers")
    for i in range(answers.type.range()[1] + 1):
        compare(answers[i]["heap"].string(), answers[i]["said"])
    compare("pool", gdb.parse_and_eval("pool_said"))
    for block, expected in BLOCKS:
        text = told("zmm block " + block)
        if expected not in text:
            faults.append("%s: zmm block %s says %s" % (stop, block, text))
    gdb.execute("continue", to_string=True)
print("\n".join(faults) or "as the program says")
gdb.execute("quit %d" % (1 if faults else 0))
