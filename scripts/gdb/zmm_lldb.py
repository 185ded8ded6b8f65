"""zmm in lldb: `command script import zmm_lldb.py`. The commands are those of gdb, `zmm block PTR` and so on, and each public
type is shown in one line."""
import io
import os
import re
import sys
from contextlib import redirect_stdout

import lldb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lldb_as_gdb as shim  # noqa: E402: before zmm_gdb
from zmm_gdb import commands, discover, memory, printers  # noqa: E402


def writable_memory():
    regions, info, found = shim.process().GetMemoryRegions(), lldb.SBMemoryRegionInfo(), []
    for i in range(regions.GetSize()):
        if regions.GetMemoryRegionAtIndex(i, info) and info.IsWritable() and info.IsReadable():
            found.append((info.GetRegionBase(), info.GetRegionEnd()))
    return found


def types_of(engine):
    found = {}
    pattern = re.compile(r"zmm::v\d\w*::%s<.*>$" % engine.template)
    for module in shim.target().modules:
        for a_type in module.GetTypes(lldb.eTypeClassClass):
            name = a_type.GetName()
            if pattern.match(name) and "::" not in re.sub(r"<.*>", "", name).split(engine.template)[1]:
                found[name] = memory.stripped(shim.Type(a_type))
    return list(found.values())


def named(pattern):
    found = shim.target().FindGlobalVariables(".*%s.*" % pattern, 64, lldb.eMatchTypeRegex)
    return sorted({v.GetName() for v in found})


def variable(name):
    for v in shim.target().FindGlobalVariables(name.split("<")[0].rsplit("::", 1)[1], 64):
        if v.GetName() == name:
            return shim.Value(v)
    return None


def symbol_at(at):
    symbol = lldb.SBAddress(at, shim.target()).GetSymbol()
    return symbol.GetName() if symbol.IsValid() else None


def frames(search):
    """By local variables: of all functions on the stacks of all threads."""
    for thread in shim.process():
        for frame in thread:
            for v in frame.GetVariables(True, True, False, True):
                if v.GetError().Success() and v.GetLoadAddress() != lldb.LLDB_INVALID_ADDRESS:
                    search.add_value(shim.Value(v), v.GetName())


def replace():
    """Replaces functions that parse gdb's text by ones that use lldb's objects."""
    memory.writable_memory = discover.writable_memory = writable_memory
    discover.types_of = commands.types_of = types_of
    discover.named, discover.variable, discover.symbol_at = named, variable, symbol_at
    discover.Search.forks = lambda self: None
    discover.Search.frames = frames


def run(debugger, text, context, result, _):
    """zmm COMMAND [EXPR]: shows zmm's heaps. Only reads memory."""
    lldb.debugger = debugger
    name, _, rest = text.strip().partition(" ")
    command = shim.commands.get("zmm " + name)
    if command is None:
        print("\n".join(c.__doc__ for n, c in shim.commands.items() if n != "zmm"), file=result)
        return
    said = io.StringIO()
    with redirect_stdout(said):
        command.invoke(rest, False)
    result.Print(said.getvalue())


def summary(value, _):
    sb = value.GetNonSyntheticValue()
    lldb.debugger = sb.GetTarget().GetDebugger()
    name = memory.stripped(shim.Type(sb.GetType())).name
    for pattern, work in printers.TYPES:
        if re.fullmatch(r"zmm::v\d\w*::(%s)" % pattern, name):
            return printers.Printer(shim.Value(sb), work).to_string()
    return ""


def __lldb_init_module(debugger, _):
    replace()
    commands.register()
    debugger.HandleCommand("command script add -o -f zmm_lldb.run zmm")
    for pattern, _ in printers.TYPES:
        debugger.HandleCommand('type summary add -x "^zmm::v[0-9][a-z_0-9]*::(%s)$" -F zmm_lldb.summary' % pattern)
