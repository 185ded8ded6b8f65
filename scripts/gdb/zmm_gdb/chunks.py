"""Chunks, their page maps, and where they come from."""
import gdb

from zmm_gdb.memory import Damage, address, byte_order, has_field, number, object_at, offset_of, read, stripped

SLOT_BYTES = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896,
              1024, 1280, 1536, 1792, 2048, 2560, 3072, 1088, 1152, 1408, 1664, 1920, 2304, 2816, 3328, 3584, 4096, 4352,
              4608, 5120, 5632, 6144, 6656, 7168, 8192, 9216, 10240, 11264, 12288, 13312, 14336, 15360, 16384, 18432,
              20480, 22528, 24576, 26624, 28672, 30720, 32768)
RUN_PAGES = (1,) * 16 + (5, 3, 1, 1, 5, 3, 2, 2, 5, 3, 7, 4, 5, 3, 4, 2, 7, 5, 8, 9, 7, 5, 7, 7, 16, 9, 5, 7, 3, 5, 7,
                         6, 9, 5, 11, 3, 10, 7, 15, 4, 9, 5, 11, 6, 13, 7, 15, 8)  # of 4 KiB
REQUEST_BINS = 30
NONE, SMALL, LARGE, SLAB = range(4)


class Entry:
    """One entry of a page map."""

    def __init__(self, raw):
        self.kind = raw & 3
        self.bin = raw >> 2 & 63
        self.is_short = bool(raw >> 8 & 1)
        self.distance = raw >> 23
        self.tag = raw >> 2


class Chunk:
    def __init__(self, at, a_type):
        self.at, self.type = at, a_type
        self.value = object_at(at, a_type)
        map_type = self.value["map"].type
        self.pages = map_type.range()[1] + 1
        self.raw_map = read(at + offset_of(a_type, "map"), 4 * self.pages)
        self.order = byte_order()
        self.bytes = chunk_bytes(a_type)
        self.page_bytes = self.bytes // self.pages
        self.header_pages = -(-a_type.sizeof // self.page_bytes)

    @property
    def owner(self):
        return int(self.value["owner"])

    @property
    def free_pages(self):
        return int(self.value["free_pages"])

    def entry(self, page):
        return Entry(int.from_bytes(self.raw_map[4 * page:4 * page + 4], self.order))

    def bits(self, name):
        """Returns a bitmap of the header as one number."""
        where = offset_of(self.type, name)
        size = self.value[name].type.sizeof
        raw = read(self.at + where, size)
        return sum(int.from_bytes(raw[i:i + 8], self.order) << (8 * i) for i in range(0, size, 8))

    def page_at(self, index):
        return self.at + index * self.page_bytes

    def run_slots(self, entry):
        """The slots of the run that a page's entry tells of. A short run has as few pages as hold a slot."""
        bytes = SLOT_BYTES[entry.bin] if entry.is_short else RUN_PAGES[entry.bin] * 4096
        return -(-bytes // self.page_bytes) * self.page_bytes // SLOT_BYTES[entry.bin]

    def longest_gap(self, taken):
        longest = run = 0
        for page in range(self.pages):
            run = 0 if taken >> page & 1 else run + 1
            longest = max(longest, run)
        return longest

    def faults(self):
        """Yields contradictions in the header. A chunk of a live heap has none."""
        taken, dirty, grown = self.bits("taken"), self.bits("dirty"), self.bits("grown")
        free = self.pages - bin(taken).count("1")
        if self.free_pages != free:
            yield "a chunk counts %d free pages, and has %d" % (self.free_pages, free)
        if int(self.value["longest"]) != self.longest_gap(taken):
            yield "a chunk does not know its longest gap"
        header = (1 << self.header_pages) - 1
        if taken & header != header:
            yield "a chunk's header pages are not taken"
        for page in range(self.header_pages, self.pages):
            entry, is_taken = self.entry(page), taken >> page & 1
            if is_taken and not dirty >> page & 1:
                yield "page %d is taken, and not dirty" % page
            if not is_taken and (entry.kind != NONE or grown >> page & 1):
                yield "page %d is free, and has an entry in the map" % page
            if entry.kind == SMALL and entry.bin >= len(SLOT_BYTES):
                yield "page %d has an impossible entry in the map" % page

    def run_start(self, page):
        """The first page of the run, block or slab that a page belongs to, and its entry; None if the page is free."""
        taken = self.bits("taken")
        if not taken >> page & 1:
            return None
        entry = self.entry(page)
        if entry.kind == SMALL:
            first = page - entry.distance
            if first < self.header_pages or self.entry(first).kind != SMALL or entry.bin >= len(SLOT_BYTES):
                raise Damage("page %d of chunk 0x%x has an impossible entry in the map" % (page, self.at))
            return first, entry
        while page >= self.header_pages:
            entry = self.entry(page)
            if entry.kind in (LARGE, SLAB):
                return page, entry
            if entry.kind == SMALL:
                break
            page -= 1
        raise Damage("nothing starts in front of page %d of chunk 0x%x" % (page, self.at))


def chunk_bytes(chunk_type):
    geometry = stripped(chunk_type.template_argument(0))
    while not geometry.name.split("<")[0].endswith("::geometry"):  # a checked one
        geometry = stripped(geometry.fields()[0].type if geometry.fields() else geometry.template_argument(0))
    return int(geometry.template_argument(0))


class Source:
    """A chunk_source: all that a heap or a pool has taken from storage."""

    def __init__(self, value):
        if has_field(value.type, "source_"):  # a shared one
            value = value["source_"]
        self.value = value
        index = value["index_"]
        self.chunk_type = stripped(value["cached_"]["head_"].type.target())
        self.chunk_bytes = chunk_bytes(self.chunk_type)
        self.book = Ledger(value["book_"])
        self.index = index
        self.chunks = number(value["chunks_"])
        self.cached = number(value["cached_"]["count_"])
        self.huge_bytes = number(value["huge_bytes_"])
        self.kept = number(value["kept_"]["count_"])
        self.kept_bytes = number(value["kept_"]["bytes_"])

    @property
    def huge_blocks(self):
        return number(self.index["count_"]) - self.chunks - self.cached - self.kept

    def extents(self):
        """(start, bytes, reserve, tag) of each chunk and huge block; bytes: 0 for a chunk, odd for a kept block."""
        bits = number(self.index["bits_"])
        table = int(self.index["table_"])
        if not 3 <= bits <= 40:
            raise Damage("the address index at 0x%x has no size" % address(self.index))
        size = stripped(self.index["table_"].type.target()).sizeof
        raw = read(table, size << bits)
        step = size // 4
        order, found = byte_order(), []
        for at in range(0, len(raw), size):
            extent = [int.from_bytes(raw[at + i * step:at + i * step + step], order) for i in range(4)]
            if extent[0] != 0:
                found.append(extent)
        if len(found) != number(self.index["count_"]):
            raise Damage("the address index at 0x%x counts its entries wrongly" % address(self.index))
        return found

    def huge(self):
        return sorted((start, size) for start, size, _, _ in self.extents() if size != 0 and not size & 1)

    def chunk_starts(self):
        return sorted(start for start, size, _, _ in self.extents() if size == 0)

    def chunk(self, at):
        return Chunk(at, self.chunk_type)


class Ledger:
    def __init__(self, value):
        self.real_size = number(value["real_size_"])
        self.real_peak = number(value["real_peak_"])
        self.limit = number(value["limit_"])

    def __str__(self):
        return "real size %d, peak %d" % (self.real_size, self.real_peak)

    @property
    def limit_text(self):
        return "none" if self.limit == (1 << 8 * gdb.lookup_type("long").sizeof) - 1 else str(self.limit)
