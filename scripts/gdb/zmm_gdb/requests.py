"""Requests, and the pools they take their memory from."""
from zmm_gdb.chunks import REQUEST_BINS, SLAB, SLOT_BYTES, Ledger, Source
from zmm_gdb.engines import Chunked, Engine
from zmm_gdb.memory import Damage, address, counted, has_field, number, object_at, stripped, text_at, word, \
    word_bytes
from zmm_gdb.slots import Links


class Request(Engine):
    template = "basic_request_heap"

    def __init__(self, value):
        super().__init__(value)
        self.bins = value["bins_"]
        self.links = Links(self.bins)
        self.book = Ledger(value["book_"])
        self.pool = int(value["pool_"])

    def is_sound(self):
        """What a frame left on the stack may look like a request, but its table leads nowhere."""
        word(int(self.value["table_"]["blocks_"]))
        begin, cursor, end = (int(self.bins[n]) for n in ("begin_", "cursor_", "end_"))
        count, capacity = int(self.value["table_"]["size_"]), int(self.value["table_"]["capacity_"])
        return begin <= cursor <= end and count <= capacity < 1 << 32 and super().is_sound() and \
            (int(self.value["slabs_"]) == 0) == (int(self.value["slab_bytes_"]) == 0)

    def holds(self):
        return bool(self.value["joined_"]) or int(self.bins["begin_"]) != 0

    @property
    def label(self):
        """The label in its pool's list; None: it has none, or is not listed."""
        if not has_field(self.value.type, "node_") or not self.value["node_"]["is_listed"]:
            return None
        return text_at(int(self.value["node_"]["label"]))

    def sets(self):
        """The two sets of bins: for usual alignments, and for 32 and 64."""
        yield self.bins["bins_"]
        wide = self.bins["wide_"]
        if int(wide) != 0:
            yield wide.dereference()

    def slabs(self):
        """(start, bytes) of each slab."""
        pointer = self.value["slabs_"]
        slab, at, seen, total = stripped(pointer.type.target()), int(pointer), [], 0
        while at != 0:
            s = object_at(at, slab)
            try:
                total += int(s["bytes"])
                if total > int(self.value["slab_bytes_"]):
                    raise Damage("the list of slabs is longer than the request's %s" % counted(total, "byte"))
                seen.append((at, int(s["bytes"])))
                at = int(s["next"])
            except Exception as e:
                if isinstance(e, Damage):
                    raise
                raise Damage("the list of slabs leads to 0x%x, which cannot be read" % at) from None
        return seen

    def regions(self):
        """(start, end) of the memory that small blocks are packed into."""
        found = [(at + 2 * word_bytes(), at + bytes) for at, bytes in self.slabs()]
        buffer = int(self.value["buffer_"])
        return found + ([(buffer, buffer + int(self.value["buffer_bytes_"]))] if buffer else [])

    def free_blocks(self):
        """{address: bytes} of the free small blocks."""
        regions, found = self.regions(), {}
        for a_set in self.sets():
            for i, bytes in enumerate(SLOT_BYTES[:REQUEST_BINS]):
                carved = int(a_set["carved"][i])
                what = "the free list of bin %d (%d bytes)" % (i, bytes)
                for block in self.links.walk(int(a_set["lists"][i]), carved, what,
                                             lambda b: any(start <= b < end for start, end in regions)):
                    found[block] = bytes
        return found

    def carved(self):
        """(blocks, bytes) of small blocks, live or free."""
        blocks = size = 0
        for a_set in self.sets():
            for i, bytes in enumerate(SLOT_BYTES[:REQUEST_BINS]):
                carved = int(a_set["carved"][i])
                blocks += carved
                size += carved * bytes
        return blocks, size

    def paged(self):
        """(start, bytes) of its paged blocks; bytes 0: a huge block, whose size its pool knows."""
        table = self.value["table_"]
        blocks = table["blocks_"]
        page = Source(self.pool_value()["source_"])
        page_bytes = page.chunk(page.chunk_starts()[0]).page_bytes if page.chunk_starts() else 4096
        sizes = dict(page.huge())
        for i in range(int(table["size_"])):
            text = int(blocks[i]["word_"])
            start, pages = text & ~4095, text & 4095
            yield start, pages * page_bytes if pages else sizes.get(start, 0)

    def pool_value(self):
        return object_at(self.pool, stripped(self.value["pool_"].type.target()))

    def figures(self):
        blocks, size = self.carved()
        free = self.free_blocks()
        table = self.value["table_"]
        paged = list(self.paged())
        size += int(self.value["paged_bytes_"]) - sum(free.values())
        blocks += len(paged) - len(free)
        own = int(table["blocks_"])
        if own != address(table["inside_"]):  # the table's own memory is not a block of the program
            blocks -= 1
            bytes = int(table["capacity_"]) * word_bytes()
            size -= next((b for b in SLOT_BYTES[:REQUEST_BINS] if b >= bytes), 0) or dict(paged).get(own, 0)
        closed = int(self.bins["closed_bytes_"]) + int(self.bins["cursor_"]) - int(self.bins["begin_"])
        huge = sum(1 for i in range(int(table["size_"])) if int(table["blocks_"][i]["word_"]) & 4095 == 0)
        found = dict(size=size, peak=max(int(self.value["peak_"]), closed + int(self.value["paged_bytes_"])),
                     live_blocks=blocks, real_size=self.book.real_size, real_peak=self.book.real_peak,
                     chunks=len(self.slabs()), cached_chunks=0, huge_blocks=huge, limit=self.book.limit_text)
        if self.watch is not None:
            self.watch.correct(found)
        return found

    def ranges(self):
        return sorted(self.regions() + [(start, start + bytes) for start, bytes in self.paged()])

    def live_blocks(self, _=None):
        """(start, bytes) of the paged ones. Packed ones lie side by side, and only a watch knows where each ends."""
        watch = self.watch
        if watch is not None:
            yield from ((b.start, b.bytes) for b in watch.blocks() if not b.is_freed)
        else:
            yield from self.paged()

    def locate(self, p):
        for start, bytes in self.paged():
            if start <= p < start + bytes:
                return ["a block of its own pages: %d bytes at 0x%x, byte %d of it" % (bytes, start, p - start)]
        for start, end in self.regions():
            if not start <= p < end:
                continue
            where = "the region 0x%x to 0x%x" % (start, end)
            cursor = int(self.bins["cursor_"])
            if start <= cursor <= end and p >= cursor:
                return ["never handed out, in " + where]
            for block, bytes in self.free_blocks().items():
                if block <= p < block + bytes:
                    return ["a free block: %d bytes at 0x%x, in %s" % (bytes, block, where)]
            return ["in %s, packed: where its block begins and ends is not recorded" % where]
        return None


class Pool(Chunked):
    template = "basic_request_pool"
    storage_path = "source_.storage_"
    owner_path = "pages_"
    watch = None

    def pages_value(self):
        return self.value["pages_"]

    def magazines(self):
        all_of_them = self.value["magazines_"]
        return [all_of_them[i] for i in range(all_of_them.type.range()[1] + 1)]

    def figures(self):
        magazines = self.magazines()
        return dict(
            in_flight=(int(self.value["in_flight_"]) + sum(number(m["joined_"]) for m in magazines)) & (1 << 64) - 1,
            slabs_free=int(self.value["shelves_"]["count_"]) + sum(number(m["slabs_"]) for m in magazines),
            real_size=self.book.real_size, real_peak=self.book.real_peak,
            used=int(self.value["lent_"]) - int(self.value["detained_"]["bytes_"]) -
            sum(number(m["held_"]) for m in magazines),
            chunks=self.source.chunks, cached_chunks=self.source.cached, limit=self.book.limit_text)

    def chunks(self):
        return [self.source.chunk(at) for at in self.source.chunk_starts() if self.source.chunk(at).owner != 0]

    def live_blocks(self, _=None):
        return []

    def locate(self, p):
        for start, bytes in self.source.huge():
            if start <= p < start + bytes:
                return ["a huge block of a request: %d bytes at 0x%x" % (bytes, start)]
        at = p & -self.source.chunk_bytes
        if at not in self.source.chunk_starts():
            return None
        c = self.source.chunk(at)
        page = (p - c.at) // c.page_bytes
        if page < c.header_pages:
            return ["the header of chunk 0x%x" % c.at]
        found = c.run_start(page) if c.owner else None
        if found is None:
            return ["page %d of chunk 0x%x is free" % (page, c.at)]
        first, entry = found
        if entry.kind == SLAB:
            return ["in the slab of %s at 0x%x" % (counted(entry.tag, "page"), c.page_at(first))]
        return ["in a run of pages at 0x%x" % c.page_at(first)]
