"""Finds contradictions in an engine's structures, by reading memory alone."""
import gdb

from zmm_gdb.chunks import SLOT_BYTES
from zmm_gdb.engines import Heap
from zmm_gdb.memory import Damage, word_bytes
from zmm_gdb.requests import Pool, Request
from zmm_gdb.segments import BEFORE_USED, USED, SegmentHeap


def guarded(faults):
    """Yields faults, and then the damage that ends the search, if there is some."""
    try:
        yield from faults
    except (Damage, gdb.error) as d:
        yield str(d)


def faults_of(engine):
    for base, check in ((Heap, of_heap), (SegmentHeap, of_segments), (Request, of_request), (Pool, of_pool)):
        if isinstance(engine, base):
            yield from guarded(check(engine))
    if engine.watch is not None:
        yield from guarded(of_watch(engine.watch))


def of_book(engine):
    if engine.book.real_size > engine.book.real_peak:
        yield "its real size is above its peak"


def of_chunks(engine, chunks):
    for c in chunks:
        for fault in c.faults():
            yield "chunk 0x%x: %s" % (c.at, fault)


def of_source(source):
    size = (source.chunks + source.cached) * source.chunk_bytes + source.huge_bytes + source.kept_bytes
    if size > source.book.real_size:
        yield "chunks and huge blocks are %d bytes, of %d that are counted" % (size, source.book.real_size)
    if sum(bytes for _, bytes in source.huge()) != source.huge_bytes:
        yield "huge bytes are counted wrongly"
    for start, bytes, _, _ in source.extents():
        if start % source.chunk_bytes != 0:
            yield "0x%x in the address index is no multiple of a chunk's size" % start
    if len(source.chunk_starts()) != source.chunks + source.cached:
        yield "the address index has %d chunks, of %d" % (len(source.chunk_starts()), source.chunks + source.cached)


def of_heap(heap):
    yield from of_book(heap)
    yield from of_source(heap.source)
    chunks = heap.core.chunk_map()
    owner = int(heap.core.pages["owner_"])
    yield from of_chunks(heap, chunks.values())
    for at, c in chunks.items():
        if c.owner != owner:
            yield "chunk 0x%x is not the heap's" % at
    if len(chunks) != heap.source.chunks:
        yield "%d chunks are listed, of %d" % (len(chunks), heap.source.chunks)
    carved = {}
    for _, bin_number, slots in heap.core.runs(chunks):
        carved[bin_number] = carved.get(bin_number, 0) + slots
    for i in heap.core.bin_numbers:
        if carved.get(i, 0) != heap.core.carved(i):
            yield "bin %d counts %d slots, and has %d" % (i, heap.core.carved(i), carved.get(i, 0))
        yield from guarded(of_bin(heap, i, chunks))


def of_bin(heap, bin_number, chunks):
    free = list(heap.core.listed(bin_number, chunks)) + list(heap.core.fresh(bin_number).slots)
    for slots, _ in heap.elsewhere(bin_number, chunks):
        free += list(slots)
    if len(set(free)) != len(free):
        yield "a slot of bin %d (%d bytes) is free twice" % (bin_number, SLOT_BYTES[bin_number])


def of_segments(heap):
    yield from of_book(heap)
    before = {start + head: BEFORE_USED for start, _, head in heap.segments()}
    free, was_used, at = 0, True, None
    for payload, _, flags, size in heap.blocks():
        block = payload - word_bytes()
        was_used = True if block in before or at != block else was_used
        if bool(flags & BEFORE_USED) != was_used:
            yield "the block at 0x%x is wrong about the one in front" % payload
        if not flags & USED:
            free += size
        was_used, at = bool(flags & USED), block + size
    if free != int(heap.core["free_bytes_"]):
        yield "%d bytes are free, of %d that are counted" % (free, int(heap.core["free_bytes_"]))
    if sum(bytes for _, bytes, _ in heap.segments()) != heap.book.real_size:
        yield "segments are counted wrongly"
    heap.cached()


def of_request(request):
    yield from of_book(request)
    if sum(bytes for _, bytes in request.slabs()) != int(request.value["slab_bytes_"]):
        yield "bytes of slabs are counted wrongly"
    blocks, _ = request.carved()
    free = request.free_blocks()
    if len(free) > blocks:
        yield "more blocks are free than there are"
    if sum(bytes for _, bytes in request.paged()) != int(request.value["paged_bytes_"]):
        yield "bytes of paged blocks are counted wrongly"


def of_pool(pool):
    yield from of_book(pool)
    yield from of_source(pool.source)
    yield from of_chunks(pool, pool.chunks())


def of_watch(watch):
    live = [b for b in watch.blocks() if not b.is_freed]
    if sum(b.bytes for b in live) != watch.live_bytes:
        yield "the watch counts its live bytes wrongly"
