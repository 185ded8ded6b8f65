"""The part of gdb's Python module that zmm_gdb uses, over lldb. Import it before zmm_gdb. It calls no function of the program."""
import re
import sys
import types

import lldb

(TYPE_CODE_STRUCT, TYPE_CODE_UNION, TYPE_CODE_REF, TYPE_CODE_RVALUE_REF, TYPE_CODE_PTR, TYPE_CODE_ARRAY, TYPE_CODE_INT,
 TYPE_CODE_BOOL, TYPE_CODE_ENUM, TYPE_CODE_OTHER) = range(10)
COMMAND_DATA = COMPLETE_EXPRESSION = 0
commands = {}  # name -> Command


class error(Exception):
    pass


class MemoryError(error):
    pass


def target():
    return lldb.debugger.GetSelectedTarget()


def process():
    return target().GetProcess()


def frame():
    return process().GetSelectedThread().GetSelectedFrame()


class Field:
    def __init__(self, name, a_type, offset, is_base_class):
        self.name, self.type, self.is_base_class = name, a_type, is_base_class
        self.bitpos = 8 * offset


class Type:
    def __init__(self, sb):
        if not sb.IsValid():
            raise error("no such type")
        self.sb = sb

    @property
    def name(self):
        return self.sb.GetName()

    def __str__(self):
        return self.name

    @property
    def sizeof(self):
        return self.sb.GetByteSize()

    @property
    def code(self):
        kind = self.sb.GetTypeClass()
        if kind == lldb.eTypeClassBuiltin:
            return TYPE_CODE_BOOL if self.sb.GetBasicType() == lldb.eBasicTypeBool else TYPE_CODE_INT
        return {lldb.eTypeClassStruct: TYPE_CODE_STRUCT, lldb.eTypeClassClass: TYPE_CODE_STRUCT,
                lldb.eTypeClassUnion: TYPE_CODE_UNION, lldb.eTypeClassReference: TYPE_CODE_REF,
                lldb.eTypeClassPointer: TYPE_CODE_PTR, lldb.eTypeClassArray: TYPE_CODE_ARRAY,
                lldb.eTypeClassEnumeration: TYPE_CODE_ENUM}.get(kind, TYPE_CODE_OTHER)

    def strip_typedefs(self):
        return Type(self.sb.GetCanonicalType())

    def unqualified(self):
        return Type(self.sb.GetUnqualifiedType())

    def pointer(self):
        return Type(self.sb.GetPointerType())

    def target(self):
        sb = self.sb.GetArrayElementType() if self.code == TYPE_CODE_ARRAY else self.sb.GetPointeeType()
        return Type(sb if sb.IsValid() else self.sb.GetDereferencedType())

    def range(self):
        return 0, self.sizeof // self.target().sizeof - 1

    def fields(self):
        bases = [Field(b.GetName(), Type(b.GetType()), b.GetOffsetInBytes(), True) for b in self.sb.bases]
        return bases + [Field(f.GetName(), Type(f.GetType()), f.GetOffsetInBytes(), False) for f in self.sb.fields]

    def template_argument(self, index):
        sb = self.sb.GetTemplateArgumentType(index)
        if sb.IsValid() and sb.GetTypeClass() != lldb.eTypeClassBuiltin:
            return Type(sb)
        numbers = re.findall(r"[<,] ?(\d+)", self.name)  # lldb does not give the values of template arguments that are numbers
        if not numbers:
            raise error("%s has no such argument" % self.name)
        return int(numbers[index])


class Value:
    is_lazy, is_optimized_out = True, False

    def __init__(self, of):
        self.number = of if isinstance(of, int) else None
        self.sb = None if isinstance(of, int) else of
        if self.sb is not None and not self.sb.IsValid():
            raise error("there is no such value")

    @property
    def type(self):
        return lookup_type("unsigned long") if self.sb is None else Type(self.sb.GetType())

    @property
    def dynamic_type(self):
        return Type(self.sb.GetDynamicValue(lldb.eDynamicDontRunTarget).GetType())

    @property
    def address(self):
        return Value(self.sb.GetLoadAddress())

    def __getitem__(self, key):
        if isinstance(key, Field):
            return at(self.sb.GetLoadAddress() + key.bitpos // 8, key.type)
        if isinstance(key, str):
            child = self.sb.GetChildMemberWithName(key)
            if not child.IsValid():
                raise error("%s has no %s" % (self.type.name, key))
            return Value(child)
        item = self.type.strip_typedefs().target()
        start = self.sb.GetLoadAddress() if self.type.strip_typedefs().code == TYPE_CODE_ARRAY else int(self)
        return at(start + key * item.sizeof, item)

    def __int__(self):
        if self.sb is None:
            return self.number
        problem = lldb.SBError()
        found = self.sb.GetValueAsUnsigned(problem, 0)
        if problem.Fail():
            raise MemoryError("cannot read %s" % (self.sb.GetName() or "a value"))
        return found

    __index__ = __int__

    def __bool__(self):
        return int(self) != 0

    def __str__(self):
        return self.sb.GetSummary() or self.sb.GetValue() or "{...}"

    def format_string(self, **_):
        return self.sb.GetValue() or str(self)

    def cast(self, a_type):
        return Pointed(self.number, a_type) if self.sb is None else Value(self.sb.Cast(a_type.sb))

    def dereference(self):
        return Value(self.sb.Dereference())

    referenced_value = dereference

    def string(self):
        problem, at = lldb.SBError(), int(self)
        found = process().ReadCStringFromMemory(at, 4096, problem)
        if problem.Fail():  # a core does not contain constants: they are in the file
            raw = target().ReadMemory(lldb.SBAddress(at, target()), 256, lldb.SBError())
            if not raw:
                raise MemoryError("cannot read a text")
            found = raw.split(b"\0")[0].decode()
        return found


class Pointed(Value):
    """An address with a type."""

    def __init__(self, address, a_type):
        super().__init__(address)
        self.pointer_type = a_type

    @property
    def type(self):
        return self.pointer_type

    def dereference(self):
        return at(self.number, self.pointer_type.target())


def at(address, a_type):
    return Value(target().CreateValueFromAddress("it", lldb.SBAddress(address, target()), a_type.sb))


class Memory(bytes):
    def tobytes(self):
        return bytes(self)


class Inferior:
    def read_memory(self, address, count):
        problem = lldb.SBError()
        found = process().ReadMemory(address, count, problem) if count else b""
        if problem.Fail() or found is None or len(found) != count:
            raise MemoryError("cannot read memory at 0x%x" % address)
        return Memory(found)

    def search_memory(self, start, length, pattern):
        for first in range(start, start + length, 1 << 24):
            part = self.read_memory(first, min((1 << 24) + len(pattern), start + length - first))
            found = part.find(pattern)
            if found >= 0:
                return first + found
        return None


def selected_inferior():
    return Inferior()


def lookup_type(name):
    basic = {"char": lldb.eBasicTypeChar, "long": lldb.eBasicTypeLong, "unsigned long": lldb.eBasicTypeUnsignedLong}
    return Type(target().GetBasicType(basic[name]) if name in basic else target().FindFirstType(name))


def parse_and_eval(text):
    """The value of an expression, in its place in memory; a copy only if it has no place."""
    here = frame()
    found = here.GetValueForVariablePath(text) if here.IsValid() else lldb.SBValue()
    if found.IsValid() and found.GetError().Success():
        return Value(found)
    options = lldb.SBExpressionOptions()
    options.SetAllowJIT(False)  # runs no code in the program
    for expression in ("&(%s)" % text, text):
        found = (here if here.IsValid() else target()).EvaluateExpression(expression, options)
        if found.GetError().Success():
            return Value(found) if expression == text else Value(found).dereference()
    raise error(found.GetError().GetCString().strip().replace("\n", ": "))


def execute(command, to_string=False):
    if command == "show endian":
        return "big" if target().GetByteOrder() == lldb.eByteOrderBig else "little"
    raise error("not in lldb: " + command)


class Command:
    def __init__(self, name, *_, **__):
        commands[name] = self


printing = types.ModuleType("gdb.printing")
sys.modules["gdb"] = sys.modules[__name__]
sys.modules["gdb.printing"] = printing
