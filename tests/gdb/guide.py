"""The sessions that docs/gdb.md shows."""
import os
import re


def masked(text):
    return re.sub(r"0x[0-9a-f]+", "ADDRESS", text)


def sessions():
    """(command, lines of the answer) pairs of the guide, a list for each stop of the program."""
    found, answer = [[]], None
    with open(os.environ["GUIDE"], encoding="utf-8") as guide:
        for line in guide:
            if line.startswith("    (gdb) continue"):
                found.append([])
            elif line.startswith("    (gdb) "):
                answer = []
                found[-1].append((line[len("    (gdb) "):].strip(), answer))
            elif line.startswith("    ") and answer is not None:
                answer.append(line[4:].rstrip())
            else:
                answer = None
    return found
