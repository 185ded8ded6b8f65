"""Finds the heaps, requests and pools of a process, of which there is no list."""
import re

import gdb

from zmm_gdb.engines import Heap, SynchronizedHeap
from zmm_gdb.memory import (Damage, address, has_field, is_class, object_at, offset_of, search, stripped, word,
                            writable_memory)
from zmm_gdb.requests import Pool, Request
from zmm_gdb.segments import SegmentHeap

ENGINES = (Heap, SynchronizedHeap, SegmentHeap, Request, Pool)


def engine_of(value):
    """Returns the engine that a value is, owns or refers to; None if its type is not zmm's."""
    value = value.referenced_value() if value.type.code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF) else value
    if stripped(value.type).code == gdb.TYPE_CODE_PTR:
        if int(value) == 0 or not is_class(stripped(value.type).target()):
            return None
        value = value.dereference()
    if not is_class(value.type):
        return None
    value = value.cast(stripped(value.type))
    name = stripped(value.type).name or ""
    if name.startswith("std::pmr::") and value.dynamic_type.name != name:
        value = value.cast(value.dynamic_type)
        name = value.type.name or ""
    if not name.startswith("zmm::v"):
        return None
    for engine in ENGINES:
        if re.match(r"zmm::v\d\w*::%s<" % engine.template, name):
            return engine(value)
    if "::immortal<" in name:
        return engine_of(value["value"])
    if name.endswith("::thread_heap") or "::resource<zmm" in name and "thread_heap" in name:
        return process_heap()
    for field in ("heap_", "engine_"):
        if has_field(value.type, field):
            return engine_of(value[field])
    return None


KNOWN = {}  # gdb's slow answers, by question and files


def told(command):
    """Returns gdb's answer about the program's symbols, from KNOWN if it is there."""
    key = command, tuple(o.filename for o in gdb.objfiles())
    if key not in KNOWN:
        KNOWN[key] = gdb.execute(command, to_string=True).splitlines()
    return KNOWN[key]


def named(pattern):
    """Yields variables with static storage duration whose names match."""
    found = []
    for line in told("info variables -q -n " + pattern):
        match = re.match(r"(?:\d+:)?\s*(?:static )?(.+[ >*&])(zmm::v\d\w*::detail::\w+(?:<.*>)?);$", line.strip())
        if match:
            found.append(match[2])
    return found


def variable(name):
    for look in (gdb.lookup_global_symbol, gdb.lookup_static_symbol):
        symbol = look(name)
        if symbol is not None and symbol.is_variable:
            return symbol.value()
    try:
        return gdb.parse_and_eval("'%s'" % name)
    except gdb.error:
        return None


def process_heap():
    for name in named("the_process_heap"):
        value = variable(name)
        if value is not None:
            return engine_of(value)
    return None


def types_of(engine):
    """Returns the types of one engine template that the program's symbols have."""
    found = {}
    for line in told("info types -q zmm::.*%s<" % engine.template):
        match = re.match(r"(?:\d+:)?\s*(zmm::v\d\w*::%s<.*>);$" % engine.template, line.strip())
        if match is None or "::" in re.sub(r"<.*>", "", match[1]).split(engine.template)[1]:
            continue
        for name in (match[1], re.sub(r"\b(\d+)\b(?!::)(?=[,>])", r"\1ul", match[1])):
            try:
                found[match[1]] = stripped(gdb.lookup_type(name))
                break
            except gdb.error:
                continue
    return list(found.values())


def attempt(engine, at, a_type):
    """Returns the engine at an address, if there may be one."""
    try:
        found = engine(object_at(at, a_type))
        return found if found.is_sound() else None
    except (Damage, gdb.error, ValueError, OverflowError):
        return None


def is_likelier(a, b):
    """Whether it is a rather than b where both are possible: types with different options may look alike."""
    def is_right(e):
        if not has_field(e.value.type, "bound_"):
            return True
        watched = "watch" if int(e.value["bound_"]["bound_"]) == 0 else "plain"
        return (watched == "watch") == ("debug" in e.name or e.watch is not None and e.watch.knows_sites)
    return is_right(a) and not is_right(b)


class Search:
    """Collects all that is found, by address."""

    def __init__(self):
        self.found = {}  # address -> (engine, how it was found)

    def add(self, engine, how):
        if engine is None:
            return
        before = self.found.get(engine.at)
        if before is None or (before[1] == how == "in memory" and is_likelier(engine, before[0])):
            self.found[engine.at] = (engine, how)

    def add_value(self, value, how):
        try:
            self.add(engine_of(value), how)
        except (gdb.error, Damage):
            pass

    def globals(self):
        for pattern, how in (("the_process_heap", "the process's heap"), ("the_default_pool", "the default pool")):
            for name in named(pattern):
                value = variable(name)
                if value is not None:
                    self.add_value(value, how)

    def forks(self):
        """By the list of locks for forks: synchronized heaps and pools that were used."""
        for name in named("forks"):
            registry = variable(name)
            node, seen = registry["first_"], set()
            while int(node) != 0 and int(node) not in seen:
                seen.add(int(node))
                block = gdb.block_for_pc(int(node["in_child_"])) if int(node["in_child_"]) else None
                match = re.match(r"(.*)::in_child\(", str(block.function)) if block and block.function else None
                if match:
                    try:
                        self.add_value(object_at(int(node["owner_"]), gdb.lookup_type(match[1])), "in use")
                    except gdb.error:
                        pass
                node = node["next_"]

    def frames(self):
        """By local variables: of all functions on the stacks of all threads."""
        for thread in gdb.selected_inferior().threads():
            with_thread(thread, lambda: self.frames_here())

    def frames_here(self):
        try:
            frame = gdb.newest_frame()
        except gdb.error:
            return
        for _ in range(256):
            try:
                block = frame.block()
            except RuntimeError:
                block = None
            while block is not None:
                for symbol in block:
                    if symbol.is_variable or symbol.is_argument:
                        try:
                            value = symbol.value(frame) if symbol.needs_frame else symbol.value()
                            if not value.is_optimized_out and value.is_lazy is not None:
                                self.add_value(value, symbol.name)
                        except (gdb.error, RuntimeError):
                            pass
                if block.is_static or block.is_global:
                    break
                block = block.superblock
            frame = frame.older()
            if frame is None:
                return

    def memory(self):
        """By words in memory: everything that refers to storage, to a pool or to itself as an engine does."""
        ranges = writable_memory()
        storages = [address(variable(n)) for n in named("the_os_storage") if variable(n) is not None]
        references = [place for storage in storages for place in search(ranges, storage)]
        for engine in (Heap, SynchronizedHeap, SegmentHeap, Pool):
            self.add_referring(engine, engine.storage_path, references)
        self.owners(ranges)
        pools = [e.at for e, _ in self.found.values() if isinstance(e, Pool)]
        self.add_referring(Request, "pool_", [place for pool in pools for place in search(ranges, pool)])

    def add_referring(self, engine, path, references):
        for a_type in types_of(engine):
            at = offset_of(a_type, path)
            for place in references:
                self.add_sound(engine, place - at, a_type)

    def owners(self, ranges):
        """By the owner in each chunk: engines whose chunks come from other storages."""
        step, places = 256 << 10, set()
        for start, end in ranges:
            for chunk in range(-(-start // step) * step, end, step):
                try:
                    places.add(word(chunk))
                except Damage:
                    continue
        places = [p for p in places if p % 8 == 0 and any(start <= p < end for start, end in ranges)]
        for engine in (Heap, SynchronizedHeap, Pool):
            self.add_referring(engine, engine.owner_path, places)

    def add_sound(self, engine, at, a_type):
        found = attempt(engine, at, a_type)
        if found is not None and found.holds():
            self.add(found, "in memory")


def with_thread(thread, work):
    before = gdb.selected_thread()
    try:
        thread.switch()
        work()
    except gdb.error:
        pass
    finally:
        if before is not None:
            before.switch()


def symbol_at(at):
    """Returns the name of the variable at an address or around it; None if there is none."""
    match = re.match(r"(\S.*?)(?: \+ \d+)? in section ", gdb.execute("info symbol 0x%x" % at, to_string=True))
    return match[1] if match else None


def without_parts(found):
    """Removes what was found in memory and overlaps another engine: it is a part of that."""
    kept, taken = {}, []
    for at in sorted(found, key=lambda at: (found[at][1] == "in memory", at)):
        engine, how = found[at]
        end = at + engine.value.type.sizeof
        if how == "in memory":
            if any(at < e and s < end for s, e in taken):
                continue
            how = symbol_at(at) or how
        kept[at] = engine, how
        taken.append((at, end))
    return kept


def all_engines(kinds=ENGINES):
    """(engine, how it was found) for all engines."""
    s = Search()
    for step in (s.globals, s.forks, s.frames, s.memory):
        try:
            step()
        except gdb.error:
            continue
    found = [e for e in without_parts(s.found).values() if isinstance(e[0], tuple(kinds))]
    return sorted(found, key=lambda e: (e[0].name, -e[0].book.real_size, e[1], e[0].at))
