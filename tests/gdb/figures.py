"""What gdb says of a heap, against what the program says of it."""
import gdb


def told(command):
    """What gdb says, or why it does not."""
    try:
        return gdb.execute(command, to_string=True)
    except gdb.error as e:
        return "%s\n" % e


def faults_of(name, said):
    """Where `zmm heap` differs from `said`, the program's stats(); whether `zmm verify` finds the heap whole."""
    text, compared, faults = told("zmm heap " + name), 0, []
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
    return faults
