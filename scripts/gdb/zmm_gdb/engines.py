"""The engines with runs: heap and synchronized_heap. The others are in segments.py and requests.py."""
import re

from zmm_gdb.chunks import LARGE, SLAB, SLOT_BYTES, SMALL, Source
from zmm_gdb.memory import Damage, address, counted, has_field, number, object_at, stripped
from zmm_gdb.slots import Core, Fresh, Links
from zmm_gdb.watch import Watch

PREFIXES = {"default_options": "", "checked_options": "checked_", "hardened_options": "hardened_",
            "paranoid_options": "paranoid_", "debug_options": "debug_", "sampled_options": "sampled_"}


def plain_name(a_type):
    """Returns a name without zmm's inline namespace."""
    return re.sub(r"zmm::v\d\w*::", "zmm::", str(stripped(a_type)))


def short_name(a_type):
    """Returns a name as users write it: zmm::hardened_heap."""
    name = plain_name(a_type)
    match = re.fullmatch(r"zmm::basic_(\w+)<zmm::(\w+)>", name)
    if match and match[2] in PREFIXES:
        return "zmm::%s%s" % (PREFIXES[match[2]], match[1])
    match = re.fullmatch(r"zmm::basic_request_pool<zmm::geometry<2097152(ul)?, 4096(ul)?> >|"
                         r"zmm::basic_request_pool<zmm::geometry<2097152(ul)?, 4096(ul)?>>", name)
    return "zmm::request_pool" if match else name


def chunk_line(c):
    """(address, free pages, a letter for each page): a capital letter where a run, a block or a slab starts."""
    taken, line, kind = c.bits("taken"), "", "."
    for page in range(c.pages):
        entry = c.entry(page)
        if page < c.header_pages:
            line += "#"
        elif not taken >> page & 1:
            kind, line = ".", line + "."
        elif entry.kind == SMALL:
            line += "S" if entry.distance == 0 else "s"
        else:
            kind = "?" if kind == "." else kind
            kind = {LARGE: "L", SLAB: "B"}.get(entry.kind, kind.lower())
            line += kind
    return c.at, c.free_pages, line


class Engine:
    """The common part of all engines."""
    template = None  # of its class, in zmm
    storage_path = None  # to the pointer to its storage

    def __init__(self, value):
        self.value = value
        self.at = address(value)
        self.name = short_name(value.type)

    def __str__(self):
        return "%s at 0x%x" % (self.name, self.at)

    @property
    def watch(self):
        return Watch.of(self.value) if has_field(self.value.type, "watch_") else None

    def is_sound(self):
        """Whether this memory, which may be anything, can be such an object."""
        return self.book.real_size <= self.book.real_peak

    def holds(self):
        return self.book.real_size != 0

    def seal_text(self):
        return None

    def huge(self):
        """(start, bytes) of each block outside chunks and segments."""
        return []


class Chunked(Engine):
    """An engine whose memory is chunks and huge blocks."""
    owner_path = None  # to what its chunks call their owner

    def __init__(self, value):
        super().__init__(value)
        self.source = Source(self.source_value())
        self.book = self.source.book

    def source_value(self):
        return self.value["source_"]

    def is_sound(self):
        pages = self.pages_value()
        return int(pages["source_"]) == address(self.source_value()) and int(pages["owner_"]) == address(pages) and \
            super().is_sound()

    def huge(self):
        return self.source.huge()

    def ranges(self):
        """(start, end) of memory that blocks lie in."""
        size = self.source.chunk_bytes
        found = [(c.page_at(c.header_pages), c.at + size) for c in self.chunks()]
        return sorted(found + [(start, start + bytes) for start, bytes in self.huge()])

    def map_lines(self):
        return (chunk_line(c) for c in self.chunks())


class Heap(Chunked):
    template = "basic_heap"
    storage_path = "source_.storage_"
    owner_path = "core_.pages_"

    def __init__(self, value):
        super().__init__(value)
        self.core = Core(self.core_value(), self.source)

    def core_value(self):
        return self.value["core_"]

    def pages_value(self):
        return self.core.pages

    def chunks(self):
        return self.core.chunks()

    def caches(self):
        return []

    def elsewhere(self, bin_number, chunks):
        """(slots, where) of the bin's free slots outside the core's lists and fresh runs."""
        return []

    def bin_rows(self, chunks):
        """(bin, runs, slots, live, free, fresh) of each bin that has a run."""
        runs = [0] * len(SLOT_BYTES)
        for _, bin_number, _ in self.core.runs(chunks):
            runs[bin_number] += 1
        for i in self.core.bin_numbers:
            carved = self.core.carved(i)
            if carved == 0 and runs[i] == 0:
                continue
            free = len(self.core.listed(i, chunks)) + sum(len(s) for s, w in self.elsewhere(i, chunks) if w != "fresh")
            fresh = len(self.core.fresh(i)) + sum(len(s) for s, w in self.elsewhere(i, chunks) if w == "fresh")
            if free + fresh > carved:
                raise Damage("bin %d has more free slots than slots" % i)
            yield i, runs[i], carved, carved - free - fresh, free, fresh

    def figures(self):
        chunks = self.core.chunk_map()
        size = number(self.core.value["large_bytes_"]) + self.source.huge_bytes
        blocks = number(self.core.value["large_blocks_"]) + self.source.huge_blocks
        for i, _, _, live, _, _ in self.bin_rows(chunks):
            size += live * SLOT_BYTES[i]
            blocks += live
        found = dict(size=size, peak=self.peak(size), live_blocks=blocks, real_size=self.book.real_size,
                     real_peak=self.book.real_peak, chunks=self.source.chunks, cached_chunks=self.source.cached,
                     huge_blocks=self.source.huge_blocks, limit=self.book.limit_text)
        if self.watch is not None:
            self.watch.correct(found)
        return found

    def peak(self, size):
        return number(self.value["peak_"])

    def locate(self, p):
        """Lines about the place an address points to; None: it is not in this heap."""
        for start, bytes in self.source.huge():
            if start <= p < start + bytes:
                return ["a huge block: %d bytes at 0x%x, byte %d of it" % (bytes, start, p - start)]
        for start, bytes, _, _ in self.source.extents():
            if bytes & 1 and start <= p < start + bytes:
                return ["a huge block that was freed and is kept for reuse: %d bytes at 0x%x" % (bytes & ~1, start)]
        at = p & -self.source.chunk_bytes
        if at in self.source.chunk_starts():
            return self.locate_in(self.source.chunk(at), p)
        return None

    def locate_in(self, c, p):
        page = (p - c.at) // c.page_bytes
        if c.owner == 0:
            return ["chunk 0x%x is empty, and kept for reuse" % c.at]
        if page < c.header_pages:
            return ["the header of chunk 0x%x" % c.at]
        found = c.run_start(page)
        if found is None:
            return ["page %d of chunk 0x%x is free" % (page, c.at)]
        first, entry = found
        if entry.kind == LARGE:
            bytes = entry.tag * c.page_bytes
            return ["a block of %s: %d bytes at 0x%x, byte %d of it" %
                    (counted(entry.tag, "page"), bytes, c.page_at(first), p - c.page_at(first))]
        slot_bytes, run = SLOT_BYTES[entry.bin], c.page_at(first)
        index, off = divmod(p - run, slot_bytes)
        if index >= c.run_slots(entry):
            return ["behind the last slot of the run at 0x%x of bin %d" % (run, entry.bin)]
        slot = run + index * slot_bytes
        return ["a slot of bin %d: %d bytes at 0x%x, byte %d of it, %s" %
                (entry.bin, slot_bytes, slot, off, self.state_of(slot, entry.bin)),
                "slot %d of the run at page %d of chunk 0x%x" % (index, first, c.at)]

    def state_of(self, slot, bin_number):
        chunks = self.core.chunk_map()
        if slot in self.core.fresh(bin_number).slots:
            return "never handed out"
        if slot in self.core.listed(bin_number, chunks):
            return "free"
        for slots, where in self.elsewhere(bin_number, chunks):
            if slot in slots:
                return "never handed out" if where == "fresh" else "free, in %s" % where
        return "live"

    def live_blocks(self, chunks=None):
        """(start, bytes) of each live block, as the engine sees them."""
        chunks = chunks if chunks is not None else self.core.chunk_map()
        free = {}
        for start, bin_number, slots in self.core.runs(chunks):
            if bin_number not in free:
                free[bin_number] = set(self.core.listed(bin_number, chunks)) | set(self.core.fresh(bin_number).slots)
                for more, _ in self.elsewhere(bin_number, chunks):
                    free[bin_number] |= set(more)
            for i in range(slots):
                slot = start + i * SLOT_BYTES[bin_number]
                if slot not in free[bin_number]:
                    yield slot, SLOT_BYTES[bin_number]
        yield from self.core.large(chunks)
        yield from self.source.huge()


def first_depot(bin_number):
    """As central::first_depot(): four depots for each of the first twelve bins, one for each other."""
    return bin_number + 3 * min(bin_number, 12)


class SynchronizedHeap(Heap):
    template = "basic_synchronized_heap"
    storage_path = "central_.source_.source_.storage_"
    owner_path = "central_.core_.pages_"

    def source_value(self):
        return self.value["central_"]["source_"]

    def core_value(self):
        return self.value["central_"]["core_"]

    def peak(self, size):
        return max(size, number(self.value["central_"]["peak_"]))

    def caches(self):
        pointer = self.value["caches_"]["value_"]
        cache_type, at, seen = stripped(pointer.type.target()), int(pointer), []
        while at != 0:
            if at in seen or len(seen) > 1 << 16:
                raise Damage("the list of caches does not end")
            seen.append(at)
            at = int(object_at(at, cache_type)["next_cache"])
        return [object_at(at, cache_type) for at in seen]

    def elsewhere(self, bin_number, chunks):
        is_slot, found = self.core.holder_of(bin_number, chunks), []
        for cache in self.caches():
            what = "the list of bin %d in the cache at 0x%x" % (bin_number, address(cache))
            links = Links(cache)
            slots = links.walk(int(cache["lists_"][bin_number]), self.core.carved(bin_number), what, is_slot)
            found.append((slots, "a thread's cache"))
            found.append((Fresh(cache["fresh_"][bin_number], SLOT_BYTES[bin_number]).slots, "fresh"))
        what = "a depot's magazine of bin %d" % bin_number
        for depot in range(first_depot(bin_number), first_depot(bin_number + 1)):
            places = self.value["central_"]["depots_"][depot]["places_"]
            for i in range(places.type.range()[1] + 1):
                head = number(places[i])
                found.append((self.core.links.walk(head, self.core.carved(bin_number), what, is_slot), "a depot"))
        return found
