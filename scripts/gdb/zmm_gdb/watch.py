"""The watch of a debug heap, or of one under a sanitizer: what it knows of its blocks."""
from zmm_gdb.memory import Damage, has_field, number, object_at, offset_of, read, stripped, text_at

FIELDS = (("key", 8), ("room", 8), ("bytes", 8), ("least", 8), ("number", 8), ("site", 4), ("log_alignment", 1),
          ("is_freed", 1))
MASK = (1 << 64) - 1
ZONE = 16


class Block:
    """A block that is live, or was freed and is kept from reuse."""

    def __init__(self, fields, forwards):
        self.start = ~fields["key"] & MASK
        self.room, self.bytes, self.number, self.site = (fields[n] for n in ("room", "bytes", "number", "site"))
        self.is_freed = fields["is_freed"] != 0
        alignment = 1 << fields["log_alignment"]
        self.front = 0 if forwards or alignment > 4096 else max(alignment, ZONE)
        self.outer = self.room if forwards else self.front + -(-self.room // 8) * 8 + ZONE


class Site:
    """What one place allocated under one label."""

    def __init__(self, value):
        self.file, self.line = text_at(int(value["file"])), int(value["line"])
        self.label = text_at(int(value["label"]))
        self.live_blocks, self.live_bytes = int(value["live_blocks"]), int(value["live_bytes"])
        self.peak_bytes, self.blocks = int(value["peak_bytes"]), int(value["blocks"])

    @property
    def place(self):
        where = "(place not known)" if self.file is None else "%s(%d)" % (self.file.rsplit("/", 1)[-1], self.line)
        return where if self.label is None else "%s, in %s" % (where, self.label)


class Watch:
    def __init__(self, value):
        self.value = value
        self.forwards = bool(value["policy_"]["forwards"])
        self.live_bytes, self.peak_bytes = int(value["live_bytes_"]), int(value["peak_bytes_"])
        self.count = int(value["table_"]["count_"])
        quarantine = value["quarantined_"]
        self.freed = int(quarantine["last_"]) - int(quarantine["first_"])
        self.knows_sites = has_field(value["sites_"].type, "labels_")

    @staticmethod
    def of(engine):
        """Returns an engine's watch; None if it has none."""
        pointer = engine["watch_"]["value_"]
        if int(pointer) in (0, 1):  # 1: the engine belongs to no one, and is not watched
            return None
        return Watch(object_at(int(pointer), stripped(pointer.type.target())))

    def blocks(self):
        places = self.value["table_"]["places_"]
        item = stripped(places["items_"].type.target())
        raw = read(int(places["items_"]), int(places["bytes_"])) if int(places["bytes_"]) else b""
        where = [(name, offset_of(item, name), size) for name, size in FIELDS]
        found = []
        for at in range(0, len(raw), item.sizeof):
            if raw[at:at + 8] == b"\0" * 8:
                continue
            fields = {name: int.from_bytes(raw[at + o:at + o + size], "little") for name, o, size in where}
            found.append(Block(fields, self.forwards))
        if len(found) != self.count:
            raise Damage("the watch's table counts its blocks wrongly")
        return sorted(found, key=lambda b: b.start)

    def find(self, p):
        """Returns the block that an address points into, or beside which it points."""
        for b in self.blocks():
            if b.start - b.front <= p < b.start - b.front + b.outer:
                return b
        return None

    def sites(self):
        if not self.knows_sites:
            return []
        sites = self.value["sites_"]["sites_"]
        items = sites["items"]["items_"]
        return [Site(items[i]["figures"]) for i in range(int(sites["count"]))]

    def site(self, index):
        return Site(self.value["sites_"]["sites_"]["items"]["items_"][index]["figures"])

    def describe(self, p):
        b = self.find(p)
        if b is None:
            return None
        off = p - b.start
        if off < 0:
            text = "%d bytes in front of the block at 0x%x" % (-off, b.start)
        elif off >= b.bytes:
            text = "%d bytes behind the end of the block at 0x%x" % (off - b.bytes, b.start)
        else:
            text = "byte %d of the block at 0x%x" % (off, b.start) if off else "a block"
        state = "freed, and kept from reuse" if b.is_freed else "live"
        lines = ["%s: %d bytes, %s" % (text, b.bytes, state), "allocation %d of the heap" % b.number]
        if self.knows_sites:
            lines[-1] += ", at %s" % self.site(b.site).place
        return lines

    def correct(self, figures):
        """Puts in the figures that the watch knows better: bytes as they were asked for."""
        figures.update(size=self.live_bytes, peak=self.peak_bytes, live_blocks=self.count - self.freed)
