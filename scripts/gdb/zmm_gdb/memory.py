"""Plain reads of the program's memory, and of gdb's values."""
import re

import gdb


class Damage(Exception):
    """Memory holds what zmm never writes there. The text says what, and where."""


MOST_READ = 1 << 30  # bytes at once: a longer read has got its length from damaged memory


def read(at, count):
    if not 0 <= count <= MOST_READ:
        raise Damage("%d bytes at 0x%x are too many" % (count, at))
    try:
        return gdb.selected_inferior().read_memory(at, count).tobytes()
    except (gdb.MemoryError, OverflowError, ValueError):
        raise Damage("memory at 0x%x cannot be read" % at) from None


def byte_order():
    return "big" if "big" in gdb.execute("show endian", to_string=True) else "little"


def word_bytes():
    return gdb.lookup_type("char").pointer().sizeof


def words(at, count):
    """Reads `count` numbers of a word's size."""
    size, order = word_bytes(), byte_order()
    raw = read(at, size * count)
    return [int.from_bytes(raw[i:i + size], order) for i in range(0, len(raw), size)]


def word(at):
    return words(at, 1)[0]


def text_at(at):
    """Reads the string at an address; None for null."""
    if at == 0:
        return None
    try:
        return gdb.Value(at).cast(gdb.lookup_type("char").pointer()).string()
    except (gdb.error, UnicodeDecodeError):
        raise Damage("no text can be read at 0x%x" % at) from None


def stripped(a_type):
    return a_type.strip_typedefs().unqualified()


def is_class(a_type):
    return stripped(a_type).code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)


def number(value):
    """Returns an integer, an enumerator or a pointer as a number, also from zmm's atomic or another class of one number."""
    while is_class(value.type):
        parts = [f for f in stripped(value.type).fields() if hasattr(f, "bitpos")]
        value = value[([f for f in parts if not f.is_base_class] or parts)[0]]
    return int(value)


def address(value):
    return int(value.address)


def has_field(a_type, name):
    """Whether a class or one of its bases has the field."""
    for field in stripped(a_type).fields():
        if field.name == name or (field.is_base_class and has_field(field.type, name)):
            return True
    return False


def offset_of(a_type, path):
    """Bytes from the start of an object to what `a.b.c` names in it."""
    at = 0
    for name in path.split("."):
        found = field_in(stripped(a_type), name)
        if found is None:
            return None
        more, a_type = found
        at += more
    return at


def field_in(a_type, name):
    for field in a_type.fields():
        if not hasattr(field, "bitpos"):
            continue
        if field.name == name:
            return field.bitpos // 8, field.type
        if field.is_base_class:
            found = field_in(stripped(field.type), name)
            if found is not None:
                return found[0] + field.bitpos // 8, found[1]
    return None


def object_at(at, a_type):
    return gdb.Value(at).cast(a_type.pointer()).dereference()


def is_core():
    connection = getattr(gdb.selected_inferior(), "connection", None)
    return connection is not None and connection.type == "core"


def writable_memory():
    """(start, end) of writable memory; in a core that does not say what was writable, also of other memory."""
    found = []
    if is_core():
        for line in gdb.execute("maintenance info sections", to_string=True).splitlines():
            match = re.match(r"\s*\[\d+\]\s+0x([0-9a-f]+)->0x([0-9a-f]+) at .*: load\S* (.*)", line)
            if match and "READONLY" not in match[3]:
                found.append((int(match[1], 16), int(match[2], 16)))
    else:
        for line in gdb.execute("info proc mappings", to_string=True).splitlines():
            match = re.match(r"\s*0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+0x\S+\s+0x\S+\s+(\S*)", line)
            if match and "w" in match[3]:
                found.append((int(match[1], 16), int(match[2], 16)))
    merged = []
    for start, end in sorted(found):
        if merged and merged[-1][1] == start:
            start = merged.pop()[0]
        merged.append((start, end))
    return merged


def search(ranges, value):
    """Yields the addresses of aligned words with this value in the given ranges."""
    size = word_bytes()
    pattern = value.to_bytes(size, byte_order())
    inferior = gdb.selected_inferior()
    for start, end in ranges:
        at = start
        while at + size <= end:
            try:
                found = inferior.search_memory(at, end - at, pattern)
            except gdb.error:
                break
            if found is None:
                break
            if found % size == 0:
                yield found
            at = found + 1


def counted(count, what):
    return "%d %s%s" % (count, what, "" if count == 1 else "s")
