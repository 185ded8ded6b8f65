"""Slots: lists of free ones, fresh runs, and whether one is live."""
import re

from zmm_gdb.chunks import SLOT_BYTES, SMALL
from zmm_gdb.memory import Damage, address, has_field, number, offset_of, stripped, word, word_bytes


def swapped(value):
    return int.from_bytes(value.to_bytes(8, "little"), "big")


class Links:
    """How free slots are linked. In hardened heaps a second word proves each link, made with a key that lies in the heap."""

    def __init__(self, holder):
        self.is_plain = not has_field(holder.type, "key_")
        self.key = 0 if self.is_plain else number(holder["key_"])
        in_front = re.search(r"word_place(::front|\)1)", str(stripped(holder.type)))
        self.proof_at = -8 if in_front else 8  # from the link on

    def next(self, slot, what):
        if slot % word_bytes() != 0:
            raise Damage("%s leads to 0x%x, which is no slot" % (what, slot))
        try:
            link = word(slot)
            if not self.is_plain:
                proof = word(slot + self.proof_at)
        except Damage:
            raise Damage("%s leads to 0x%x, which cannot be read" % (what, slot)) from None
        if not self.is_plain and proof != swapped(link) ^ self.key ^ slot:
            raise Damage("%s: the link of the free slot at 0x%x is not as it was written" % (what, slot))
        return link

    def walk(self, head, most, what, holds=lambda slot: True):
        """The slots of a list, at most `most`. `holds(slot)` says whether a slot can be on it."""
        seen, slot = {}, head  # a dict, to keep their order
        while slot != 0:
            if slot in seen:
                raise Damage("%s does not end: it comes back to 0x%x" % (what, slot))
            if not holds(slot):
                raise Damage("%s leads to 0x%x, which is no slot of it" % (what, slot))
            if len(seen) >= most:
                raise Damage("%s has more than the %d slots there are" % (what, most))
            seen[slot] = True
            slot = self.next(slot, what)
        return list(seen)


class Fresh:
    """The part of a run that was never handed out."""

    def __init__(self, value, slot_bytes):
        self.slots = []
        if has_field(value.type, "at_"):
            at = number(value["at_"])
            end = number(value["end_"]) if has_field(value.type, "end_") else at + number(value["left_"])
            if at > end or (end - at) % slot_bytes != 0 or end - at > 1 << 20:
                raise Damage("the fresh run at 0x%x is no run" % address(value))
            self.slots = range(at, end, slot_bytes)
            return
        segment, left = number(value["segment_"]), number(value["left_"])
        size, here = number(value["segment_slots_"]), number(value["segment_left_"])
        at, stride = number(value["next_"]), number(value["stride_"])
        if here > left or left > 4096 or here > size:
            raise Damage("the fresh run at 0x%x is no run" % address(value))
        for _ in range(here):
            self.slots.append(segment + at * slot_bytes)
            at = (at + (stride if stride else 1)) & (size - 1)
        behind = segment + size * slot_bytes
        self.slots += [behind + i * slot_bytes for i in range(left - here)]

    def __len__(self):
        return len(self.slots)


class Core:
    """A heap_core: runs of slots, blocks of pages."""

    def __init__(self, value, source):
        self.value, self.source = value, source
        self.bins = value["bins_"]
        self.links = Links(self.bins)
        self.pages = value["pages_"]

    def chunk_starts(self):
        """The chunks in use, from their lists."""
        heads = self.pages["lists_"]["heads_"]
        found = set()
        for i in range(heads.type.range()[1] + 1):
            at = int(heads[i])
            while at != 0:
                if at % self.source.chunk_bytes != 0 or at in found:
                    raise Damage("a list of chunks leads to 0x%x, which is no chunk behind another" % at)
                found.add(at)
                try:
                    at = word(at + offset_of(self.source.chunk_type, "next"))
                except Damage:
                    raise Damage("a list of chunks leads to 0x%x, which cannot be read" % at) from None
        return sorted(found)

    def chunks(self):
        return [self.source.chunk(at) for at in self.chunk_starts()]

    @property
    def bin_numbers(self):
        return range(self.bins["bins_"].type.range()[1] + 1)

    def carved(self, bin_number):
        return number(self.bins["carved_"][bin_number])

    def fresh(self, bin_number):
        return Fresh(self.bins["bins_"][bin_number]["fresh"], SLOT_BYTES[bin_number])

    def holder_of(self, bin_number, chunks):
        """Returns a function that says whether an address is a slot of the bin in one of the chunks."""
        def is_slot(slot):
            c = chunks.get(slot & -self.source.chunk_bytes)
            if c is None:
                return False
            page = (slot - c.at) // c.page_bytes
            entry = c.entry(page)
            if entry.kind != SMALL or entry.bin != bin_number:
                return False
            return (slot - c.page_at(page - entry.distance)) % SLOT_BYTES[bin_number] == 0
        return is_slot

    def listed(self, bin_number, chunks):
        """The bin's free slots that are on its list, or that a collection has put aside."""
        most, is_slot = self.carved(bin_number), self.holder_of(bin_number, chunks)
        what = "the free list of bin %d (%d bytes)" % (bin_number, SLOT_BYTES[bin_number])
        found = self.links.walk(int(self.bins["lists_"][bin_number]), most, what, is_slot)
        at, seen = int(self.bins["bins_"][bin_number]["spare"]["first_"]), set()
        while at != 0:
            if at not in chunks or at in seen:
                raise Damage("the chunks with spare slots of bin %d lead to 0x%x, which is no other chunk" %
                             (bin_number, at))
            seen.add(at)
            head, value = number(chunks[at].value["spare_head"][bin_number]), chunks[at].value
            found += self.links.walk(at + head if head else 0, most, what.replace("free", "spare"), is_slot)
            at = int(value["spare_next"][bin_number])
        return found

    def chunk_map(self):
        return {c.at: c for c in self.chunks()}

    def large(self, chunks=None):
        """(start, bytes) of each block of whole pages."""
        for c in sorted((chunks or self.chunk_map()).values(), key=lambda c: c.at):
            for page in range(c.header_pages, c.pages):
                entry = c.entry(page)
                if entry.kind == 2:
                    yield c.page_at(page), entry.tag * c.page_bytes

    def runs(self, chunks):
        """(first slot, bin, slots) of each run of slots."""
        for c in sorted(chunks.values(), key=lambda c: c.at):
            for page in range(c.header_pages, c.pages):
                entry = c.entry(page)
                if entry.kind == SMALL and entry.distance == 0:
                    yield c.page_at(page), entry.bin, c.run_slots(entry)
