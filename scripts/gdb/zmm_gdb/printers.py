"""Pretty printers: one line for each public type. They read a few words only; `zmm heap` counts blocks."""
import re

import gdb
import gdb.printing

from zmm_gdb.chunks import Entry, Ledger, SLOT_BYTES
from zmm_gdb.discover import engine_of
from zmm_gdb.engines import plain_name, short_name
from zmm_gdb.memory import Damage, address, counted, has_field, number, stripped, text_at


def of_engine(value):
    engine = engine_of(value)
    text = "%s: %s" % (engine, engine.book)
    if engine.book.limit_text != "none":
        text += ", limit %s" % engine.book.limit_text
    watch = engine.watch
    return text if watch is None else "%s, %s live" % (text, counted(watch.live_bytes, "byte"))


def of_owner(value):
    """Makes the printer of a type that owns an engine or refers to one."""
    engine = engine_of(value)
    name = plain_name(value.type)
    return "%s of %s" % (name.split("<")[0], of_engine(engine.value) if engine is not None else "no heap")


def of_allocator(value):
    name = "zmm::allocator<%s>" % str(value.type.strip_typedefs().template_argument(0))
    if not has_field(value.type, "heap_"):
        return name + " of the thread's or the process's heap"
    pointer = value["heap_"]
    return "%s of %s at 0x%x" % (name, short_name(stripped(pointer.type.target())), int(pointer))


def of_fields(value):
    """Makes the printer of a plain struct of figures."""
    texts = []
    for field in stripped(value.type).fields():
        if field.is_base_class or not hasattr(field, "bitpos"):
            continue
        part = value[field]
        if stripped(part.type).code == gdb.TYPE_CODE_PTR:
            is_text = stripped(part.type.target()).sizeof == 1 and int(part) != 0
            texts.append("%s %s" % (field.name, '"%s"' % text_at(int(part)) if is_text else hex(int(part))))
        else:
            texts.append("%s %s" % (field.name, part))
    return "{%s}" % ", ".join(texts)


def of_storage(value):
    fields = [f for f in stripped(value.type).fields() if not f.is_base_class and hasattr(f, "bitpos") and
              not f.name.startswith("_vptr")]
    name = plain_name(value.type)
    parts = []
    for field in fields:
        if stripped(field.type).code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_BOOL):
            parts.append("%s %s" % (field.name.rstrip("_"), value[field].format_string(symbols=False)))
    return "%s at 0x%x%s" % (name, address(value), ": " + ", ".join(parts) if parts else "")


def of_error(value):
    return "%s: %s" % (short_name(value.type), value["text_"].string() if has_field(value.type, "text_") else
                       of_fields(value))


def of_entry(value):
    entry = Entry(number(value))
    if entry.kind == 1 and entry.bin < len(SLOT_BYTES):
        return "small: bin %d (%d bytes), page %d of its run" % (entry.bin, SLOT_BYTES[entry.bin], entry.distance)
    return {0: "no entry", 2: "large: %d" % entry.tag, 3: "slab: %s" % counted(entry.tag, "page")}.get(
        entry.kind, "damaged")


def of_bitmap(value):
    words, bits = value["words_"], 0
    for i in range(words.type.range()[1] + 1):
        bits |= int(words[i]) << (64 * i)
    runs = [(m.start(), m.end() - 1) for m in re.finditer("1+", bin(bits)[:1:-1])]
    return "set: " + (", ".join("%d" % a if a == b else "%d-%d" % (a, b) for a, b in runs) or "none")


def of_chunk(value):
    return "chunk at 0x%x: %s free, longest gap %d" % (address(value), counted(int(value["free_pages"]), "page"),
                                                       int(value["longest"]))


def of_ledger(value):
    return str(Ledger(value))


def of_empty(value):
    return short_name(value.type)


TYPES = (
    (r"basic_(heap|synchronized_heap|segment_heap|request_heap|request_pool)<.*>", of_engine),
    (r"(resource|dual_resource|boost_resource|limit_lift|use_heap_of)<.*>|thread_heap", of_owner),
    (r"allocator<.*>", of_allocator),
    (r"statistics|pool_statistics|site_figures|leak|leak_report|call_site|stop_info|label|mm_heap|use_heap|"
     r"allocation_result<.*>|custom_handlers|custom_debug_handlers", of_fields),
    (r"(detail::)?\w*storage(_type)?", of_storage),
    (r"memory_limit_exceeded|out_of_memory|no_current_heap", of_error),
    (r"no_site|within_t|geometry<.*>|(default|checked|hardened|paranoid|debug|sampled)_options|basic_emalloc<.*>", of_empty),
    (r"detail::page_entry", of_entry),
    (r"detail::bitmap<.*>", of_bitmap),
    (r"detail::chunk<.*>", of_chunk),
    (r"detail::basic_ledger<.*>", of_ledger),
)


class Printer:
    def __init__(self, value, work):
        is_reference = value.type.strip_typedefs().code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF)
        self.value, self.work = value.referenced_value() if is_reference else value, work

    def to_string(self):
        try:
            return self.work(self.value)
        except (Damage, gdb.error, ValueError, OverflowError, TypeError, AttributeError, KeyError, IndexError) as e:
            return "%s (damaged, or not there yet: %s)" % (short_name(self.value.type), e)


def register():
    collection = gdb.printing.RegexpCollectionPrettyPrinter("zmm")
    for i, (pattern, work) in enumerate(TYPES):
        collection.add_printer("zmm-%d" % i, r"^zmm::v\d\w*::(%s)$" % pattern,
                               lambda value, work=work: Printer(value, work))
    gdb.printing.register_pretty_printer(gdb.current_objfile(), collection, replace=True)
