"""Runs in lldb: compares what `zmm` commands say of `inspected` with docs/gdb.md, where gdb says it.

GUIDE in the environment is the document. The program has stopped, and zmm_lldb.py was imported."""
import os
import sys

import lldb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from guide import masked, sessions  # noqa: E402


def __lldb_init_module(debugger, _):
    interpreter, faults = debugger.GetCommandInterpreter(), []

    def told(command):
        result = lldb.SBCommandReturnObject()
        interpreter.HandleCommand(command, result)
        return (result.GetOutput() or "") + (result.GetError() or "")

    compared = 0
    for command, answer in sessions()[0]:
        if not command.startswith("zmm "):
            continue
        compared += 1
        said = [line.rstrip() for line in masked(told(command)).rstrip("\n").split("\n")]
        if said != answer:
            faults.append("%s\nwas to say\n%s\nand said\n%s" % (command, "\n".join(answer), "\n".join(said)))
    shown = masked(told("frame variable orders"))
    if "zmm::heap at ADDRESS: real size" not in shown:
        faults.append("frame variable orders says " + shown)
    for nonsense in ("zmm", "zmm block", "zmm block nothing", "zmm heap 3", "zmm bins pool", "zmm heap *(zmm::heap*)8"):
        if "Traceback" in told(nonsense) or not told(nonsense).strip():
            faults.append("%s says %s" % (nonsense, told(nonsense)))
    print("\n".join(faults))
    print("compared %d commands: %d faults" % (compared, len(faults)))
    sys.stdout.flush()
