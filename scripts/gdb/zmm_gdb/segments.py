"""The segment heap: boundary tags, sealed or not."""
import gdb

from zmm_gdb.chunks import Ledger
from zmm_gdb.engines import Engine
from zmm_gdb.memory import Damage, has_field, object_at, stripped, word, word_bytes
from zmm_gdb.slots import Links

USED, BEFORE_USED, FLAGS = 1, 2, 7
MASK = (1 << 64) - 1


class SegmentHeap(Engine):
    template = "basic_segment_heap"
    storage_path = "source_.storage_"

    def __init__(self, value):
        super().__init__(value)
        self.core = value
        self.source = self.core["source_"]
        self.book = Ledger(self.source["book_"])
        words = self.core["words_"]
        self.is_sealed = has_field(words.type, "keys_")
        self.overhead = word_bytes()
        self.links = Links(words)
        if self.is_sealed:
            self.overhead = 2 * word_bytes()
            self.link_key = int(words["keys_"]["link"])
            self.inverse = int(words["inverse_"])
            self.links.is_plain, self.links.key = False, self.link_key

    def is_sound(self):
        first, last, count = int(self.source["first_"]), int(self.source["last_"]), int(self.source["count_"])
        if (first == 0) != (count == 0) or (last == 0) != (count == 0) or count > 1 << 20 or not super().is_sound():
            return False
        next(self.blocks(), None)  # raises if the words are sealed in another way
        return sum(bytes for _, bytes, _ in self.segments()) == self.book.real_size

    def seal_text(self):
        return "the words in front of its blocks are sealed; their key is in the heap" if self.is_sealed else None

    def word_at(self, block):
        """(size, flags) of a block."""
        found = word(block)
        if not self.is_sealed:
            return found
        text = (found ^ self.link_key ^ block) * self.inverse & MASK
        if text >> 44 != 1:
            raise Damage("the word in front of the block at 0x%x is not as it was written" % (block + word_bytes()))
        return text & ((1 << 44) - 1)

    def segments(self):
        """(start, bytes) of each segment."""
        pointer = self.source["first_"]
        segment, at, seen = stripped(pointer.type.target()), int(pointer), []
        while at != 0:
            if len(seen) >= int(self.source["count_"]):
                raise Damage("the list of segments has more than %d" % len(seen))
            s = object_at(at, segment)
            try:
                seen.append((at, int(s["bytes"]), segment.sizeof))
                at = int(s["next"])
            except Exception:
                raise Damage("the list of segments leads to 0x%x, which cannot be read" % at) from None
        return seen

    def blocks(self, only=None):
        """(payload, usable bytes, flags, true size) of each block, in address order."""
        for start, bytes, head in self.segments():
            if only is not None and not start <= only < start + bytes:
                continue
            at, guard = start + head, start + bytes - word_bytes()
            while at != guard:
                text = self.word_at(at)
                size = text & ~FLAGS
                if size < 4 * word_bytes() or size > guard - at:
                    raise Damage("the block at 0x%x does not lie in its segment: its size is %d" %
                                 (at + word_bytes(), size))
                yield at + word_bytes(), size - self.overhead, text & FLAGS, size
                at += size

    def cached(self):
        heads, found = self.core["cache_"]["heads_"], set()
        for i in range(heads.type.range()[1] + 1):
            what = "the cache's list %d" % i
            found |= set(self.links.walk(int(heads[i]), 1 << 16, what))
        return found

    @property
    def reserve(self):
        at = int(self.core["reserve_"])
        return at + word_bytes() if at else 0

    def live_blocks(self, _=None):
        cached = self.cached()
        for payload, usable, flags, _ in self.blocks():
            if flags & USED and payload not in cached and payload != self.reserve:
                yield payload, usable

    def figures(self):
        live = list(self.live_blocks())
        segments = self.segments()
        standard = self.standard()
        huge = sum(1 for _, bytes, _ in segments if bytes > standard)
        spare = int(int(self.core["spare_"]) != 0)
        found = dict(size=sum(b for _, b in live), peak=int(self.value["peak_"]), live_blocks=len(live),
                     real_size=self.book.real_size, real_peak=self.book.real_peak,
                     chunks=len(segments) - huge - spare, cached_chunks=spare, huge_blocks=huge,
                     limit=self.book.limit_text)
        if self.watch is not None:
            self.watch.correct(found)
        return found

    def standard(self):
        """Bytes of a usual segment, from the options, if the program's symbols have them."""
        options = stripped(stripped(self.core.type).template_argument(0))
        try:
            return -(-int(object_at(0, options)["segment_bytes"]) // 4096) * 4096
        except gdb.error:
            return 256 << 10

    def ranges(self):
        return sorted((start + head, start + bytes) for start, bytes, head in self.segments())

    def locate(self, p):
        for start, bytes, head in self.segments():
            if not start <= p < start + bytes:
                continue
            if p < start + head:
                return ["the head of the segment at 0x%x" % start]
            cached = self.cached()
            for payload, usable, flags, size in self.blocks(p):
                if payload - word_bytes() <= p < payload - word_bytes() + size:
                    state = "free"
                    if flags & USED:
                        state = "free, in the cache" if payload in cached else "live"
                    if payload == self.reserve:
                        state = "set aside for bad times"
                    where = "byte %d of it" % (p - payload) if p >= payload else "the word in front of it"
                    return ["a block: %d bytes at 0x%x, %s, %s" % (usable, payload, where, state),
                            "in the segment of %d bytes at 0x%x" % (bytes, start)]
            return ["the end of the segment at 0x%x" % start]
        return None

    def map_lines(self):
        for start, bytes, head in sorted(self.segments()):
            cells, line = [0] * 128, ""
            for payload, _, flags, size in self.blocks(start):
                if flags & USED:
                    for cell in range((payload - start) * 128 // bytes, (payload - start + size) * 128 // bytes + 1):
                        cells[min(cell, 127)] = 1
            line = "".join("s" if c else "." for c in cells)
            yield start, sum(size for _, _, f, size in self.blocks(start) if not f & USED) // 4096, line
