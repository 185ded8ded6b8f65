"""The commands: zmm block, heap, heaps, bins, map, requests, sites, leaks, find, refs, verify."""
import gdb

from zmm_gdb.chunks import REQUEST_BINS, SLOT_BYTES
from zmm_gdb.discover import ENGINES, all_engines, engine_of, types_of
from zmm_gdb.engines import Heap
from zmm_gdb.memory import Damage, byte_order, counted, read, search, word_bytes
from zmm_gdb.requests import Pool, Request
from zmm_gdb.segments import SegmentHeap
from zmm_gdb.verify import faults_of

MOST_LINES = 200  # of one list


class Wrong(Exception):
    """An argument that cannot be used."""


def evaluated(text):
    try:
        return gdb.parse_and_eval(text)
    except gdb.error as e:
        raise Wrong(str(e)) from None


def number_of(text):
    if not text.strip():
        raise Wrong("an address is missing")
    value = evaluated(text)
    if value.type.strip_typedefs().code in (gdb.TYPE_CODE_ARRAY, gdb.TYPE_CODE_STRUCT):
        value = value.address
    try:
        return int(value) & (1 << 64) - 1
    except gdb.error:
        raise Wrong("%s is no address" % text) from None


def engine_named(text, kinds=None, default=None):
    """Returns the engine an expression names; without an expression, the only engine, or the process's heap."""
    if text.strip():
        engine = engine_of(evaluated(text))
        if engine is None:
            raise Wrong("%s is no heap, request or pool of zmm" % text)
        found = engine
    else:
        choice = [e for e, _ in all_engines() if kinds is None or isinstance(e, kinds)]
        choice = [e for e in choice if e.holds()] or choice
        if len(choice) != 1:
            raise Wrong("which one? zmm heaps lists them")
        found = choice[0]
    if kinds is not None and not isinstance(found, kinds):
        raise Wrong("%s is not what this command is for" % found)
    return found


def listed(lines):
    for i, line in enumerate(lines):
        if i == MOST_LINES:
            print("  ... and more")
            return
        print(line)


def hint():
    """Returns a sentence on why little is found."""
    return "" if any(types_of(engine) for engine in ENGINES) else ": no debug information names any"


def places(p, engines):
    """(engine, lines) for each engine that an address belongs to."""
    found = []
    for engine in engines:
        try:
            lines, watch = engine.locate(p), engine.watch
            watched = watch.describe(p) if watch is not None else None  # may know blocks that malloc has
        except Damage as d:
            lines, watched = ["damaged: %s" % d], None
        if lines or watched:
            found.append((engine, (watched or []) + (lines or [])))
    inner = [f for f in found if not isinstance(f[0], Pool) and "damaged" not in f[1][0]]
    return inner or [f for f in found if "damaged" not in f[1][0]] or found


def show_block(text, _):
    """zmm block PTR: which heap or request, which block, live or free, and what a debug heap knows of it."""
    p = number_of(text)
    found = places(p, [e for e, _ in all_engines()])
    if not found:
        print("0x%x is in no heap of zmm that was found%s" % (p, hint()))
    for engine, lines in found:
        print("0x%x: %s" % (p, lines[0]))
        for line in lines[1:]:
            print("  %s" % line)
        print("  of %s" % engine)


def show_heap(text, _):
    """zmm heap [EXPR]: the figures of a heap, a request or a pool, as stats() has them."""
    engine = engine_named(text)
    print(engine)
    for name, value in engine.figures().items():
        print("  %-13s %s" % (name, value))
    if engine.watch is not None:
        print("  watched: %s kept from reuse" % counted(engine.watch.freed, "freed block"))
    if engine.seal_text():
        print("  %s" % engine.seal_text())


def show_heaps(text, _):
    """zmm heaps: every heap, request and pool that is found in the process."""
    shown = 0
    for engine, how in all_engines():
        print("0x%x  %-28s %s  (%s)" % (engine.at, engine.name, engine.book, how))
        shown += 1
    print("1 heap, request or pool" if shown == 1 else "%d heaps, requests and pools%s" % (shown, hint()))


def show_bins(text, _):
    """zmm bins [EXPR]: for each size of slots its runs, and which slots are live, free, or were never handed out."""
    engine = engine_named(text, (Heap, Request))
    print(engine)
    if isinstance(engine, Request):
        free = list(engine.free_blocks().values())
        print("  bin   bytes   carved     live     free")
        for i, bytes in enumerate(SLOT_BYTES[:REQUEST_BINS]):
            carved = sum(int(s["carved"][i]) for s in engine.sets())
            if carved:
                print("  %3d %7d %8d %8d %8d" % (i, bytes, carved, carved - free.count(bytes), free.count(bytes)))
        return
    print("  bin   bytes   runs    slots     live     free    fresh")
    rows = sorted(engine.bin_rows(engine.core.chunk_map()), key=lambda row: SLOT_BYTES[row[0]])
    for i, runs, slots, live, free, fresh in rows:
        print("  %3d %7d %6d %8d %8d %8d %8d" % (i, SLOT_BYTES[i], runs, slots, live, free, fresh))
    if not engine.core.links.is_plain:
        print("  links are proven with the heap's key: all that are listed hold")


def show_map(text, _):
    """zmm map [EXPR]: the pages of each chunk: # header, S run of slots, L block of pages, B slab, . free."""
    engine = engine_named(text, (Heap, SegmentHeap, Pool))
    print(engine)
    for at, free, line in engine.map_lines():
        print("  0x%x: %s free" % (at, counted(free, "page")))
        for i in range(0, len(line), 64):
            print("    " + line[i:i + 64])
    for start, bytes in engine.huge():
        print("  0x%x: a huge block of %d bytes" % (start, bytes))


def show_requests(text, _):
    """zmm requests [POOL]: the pool's figures, and the requests that are found, the largest first."""
    pools = [engine_named(text, Pool)] if text.strip() else [e for e, _ in all_engines((Pool,))]
    requests = [e for e, _ in all_engines((Request,))]
    for pool in pools:
        figures = pool.figures()
        print("%s: %d in flight, %d bytes lent" % (pool, figures["in_flight"], figures["used"]))
        own = [r for r in requests if r.pool == pool.at and r.holds()]
        for r in sorted(own, key=lambda r: (-r.book.real_size, r.name, r.at)):
            label = r.label
            print("  0x%x  %-22s %s%s" % (r.at, r.name, r.book, ", in %s" % label if label else ""))


def watch_named(text):
    engine = engine_named(text)
    watch = engine.watch
    if watch is None or not watch.knows_sites:
        raise Wrong("%s is no debug heap, or has allocated nothing" % engine)
    print(engine)
    return watch


def show_sites(text, _):
    """zmm sites [EXPR]: a debug heap's places, those with most live bytes first."""
    print_sites(watch_named(text), lambda s: True)


def show_leaks(text, _):
    """zmm leaks [EXPR]: what is live in a debug heap, by place."""
    print_sites(watch_named(text), lambda s: s.live_blocks)


def print_sites(watch, is_shown):
    sites = sorted((s for s in watch.sites() if is_shown(s)), key=lambda s: (-s.live_bytes, s.place))
    print("  live bytes   blocks        peak   allocations")
    listed("  %10d %8d %11d %13d  %s" % (s.live_bytes, s.live_blocks, s.peak_bytes, s.blocks, s.place) for s in sites)
    blocks, size = sum(s.live_blocks for s in sites), sum(s.live_bytes for s in sites)
    print("  %s, %s" % (counted(size, "byte"), counted(blocks, "block")))


def show_find(text, _):
    """zmm find VALUE: where words of this value lie in the memory of zmm's heaps."""
    show_places(lambda ranges: search(ranges, number_of(text)))


def show_refs(text, _):
    """zmm refs PTR: which words in zmm's heaps point into the block that PTR points into."""
    p = number_of(text)
    start, bytes = p, 1
    for engine, _ in all_engines():
        try:
            watched = engine.watch.find(p) if engine.watch is not None else None
            for at, size in [(watched.start, watched.bytes)] if watched else engine.live_blocks():
                if at <= p < at + size and (bytes == 1 or size <= bytes):
                    start, bytes = at, size
        except Damage:
            continue
    print("to %s from 0x%x" % (counted(bytes, "byte"), start))
    show_places(lambda ranges: pointers_into(ranges, start, bytes))


def pointers_into(ranges, start, bytes):
    size, order = word_bytes(), byte_order()
    for first, end in ranges:
        for at in range(first, end, 1 << 16):
            raw = read(at, min(1 << 16, end - at))
            if bytes == 1 and start.to_bytes(size, order) not in raw:
                continue
            for i in range(0, len(raw) - size + 1, size):
                if start <= int.from_bytes(raw[i:i + size], order) < start + bytes:
                    yield at + i


def show_places(look):
    engines = [e for e, _ in all_engines()]
    ranges = set()
    for engine in engines:
        try:
            ranges |= set(engine.ranges())
        except Damage as d:
            print("%s is damaged: %s" % (engine, d))
    shown = 0
    for at in sorted(set(look(without_overlap(ranges)))):
        shown += 1
        if shown <= MOST_LINES:
            for engine, lines in places(at, engines):
                print("0x%x: %s, of %s" % (at, lines[0], engine))
    print(counted(shown, "place"))


def without_overlap(ranges):
    found = []
    for start, end in sorted(ranges):
        start = max(-(-start // 8) * 8, found[-1][1] if found else 0)
        if start < end:
            found.append((start, end))
    return found


def show_verify(text, _):
    """zmm verify [EXPR]: contradictions in the structures of a heap, or of all heaps that are found."""
    engines = [engine_named(text)] if text.strip() else [e for e, _ in all_engines()]
    for engine in engines:
        faults = list(faults_of(engine))
        print("%s: %s" % (engine, counted(len(faults), "fault") if faults else "whole"))
        listed("  " + fault for fault in faults)


class Command(gdb.Command):
    def __init__(self, name, work):
        self.__doc__ = work.__doc__
        super().__init__("zmm " + name, gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)
        self.work = work

    def invoke(self, text, from_tty):
        """Whatever is found in memory, prints a sentence and no traceback."""
        try:
            self.work(text, from_tty)
        except Damage as d:
            print("zmm: damaged: %s" % d)
        except Wrong as w:
            print("zmm: %s" % w)
        except gdb.error as e:
            print("zmm: cannot tell: %s" % e)
        except (OverflowError, ValueError, KeyError, IndexError, RecursionError, RuntimeError, TypeError,
                AttributeError) as e:
            print("zmm: cannot make sense of what is in memory (%s)" % e)


class Zmm(gdb.Command):
    """zmm COMMAND: shows zmm's heaps. Only reads memory, so it works on cores. `help zmm` lists the commands."""

    def __init__(self):
        super().__init__("zmm", gdb.COMMAND_DATA, prefix=True)


def register():
    Zmm()
    for name in ("block", "heap", "heaps", "bins", "map", "requests", "sites", "leaks", "find", "refs", "verify"):
        Command(name, globals()["show_" + name])
