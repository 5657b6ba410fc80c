"""The function by which Python calls a compiled one: NumPy arrays and numbers in, an integer out, without the lock.

It is a built-in function like any other (METH_FASTCALL), which costs a fraction of a microsecond; through ctypes a call
with a few arrays takes several.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir

from ...calls.kernel import NOT_IN_ORDER
from .link import ENTRY
from .memory import library, load, named
from .typed import Typed
from .unit import Function, Unit
from .values import DOUBLE, INT, LONG, Array, Value, array_at, builder, building, convert, kind_of, value
from .walk import Results

# Objects begin with what Python needs of them, their type last; then come, in an array of NumPy, the address of its
# elements, the number of its axes, the address of their lengths, and after strides, owner and dtype its flags.  That
# order is part of NumPy's binary interface, and so are the bits of flags.
HEADER = object.__basicsize__
_TYPE, _DATA, _LENGTHS, _FLAGS = HEADER - 8, HEADER, HEADER + 16, HEADER + 48
_IN_ORDER = 0x0001 | 0x0100  # In the order of C, and aligned.


def add_entry(unit: Unit, function: Function) -> None:
    """Adds the entry of a function to its unit.  The types of arrays are the caller's business.

    Where only the address of an array is taken, its memory must lie in order, or `NOT_IN_ORDER` is all that comes back.
    """
    made = unit.declared(ENTRY, LONG, [LONG, LONG, LONG], public=True)
    with building(ir.IRBuilder(made.append_basic_block("entry"))) as here:
        _, arguments, count = map(Value, made.args)
        with here.if_then((count != len(function.parameters)).of, likely=False):
            library("PyErr_BadArgument", result=ir.IntType(32))
            here.ret(LONG(0))
        given, flags = list[Value | Array](), value(_IN_ORDER)
        for place, each in enumerate(function.parameters):
            found = load(arguments + 8 * place)
            if each.is_address:
                address, own = _address(found)
                given.append(address)
                flags = flags & own
            else:
                given.append(_taken(found, each))
        with here.if_then((library("PyErr_Occurred") != 0).of, likely=False):
            here.ret(LONG(0))
        with here.if_then((flags != _IN_ORDER).of, likely=False):
            here.ret(library("PyLong_FromLongLong", NOT_IN_ORDER).of)
        thread = library("PyEval_SaveThread")
        result = function(*given)
        library("PyEval_RestoreThread", thread, result=ir.VoidType())
        with here.if_then((result < 0).of, likely=False):
            here.ret(library("PyErr_NoMemory").of)
        here.ret(library("PyLong_FromLongLong", convert(result, LONG)).of)


def _taken(found: Value, each: Typed) -> Value | Array:
    return _array(found, each.dtype, each.axes) if each.axes else _number(found, each.dtype)


def _address(found: Value) -> tuple[Value, Value]:
    """The number, or where the elements of the array are; and the array's flags, of a number those of order."""
    results = Results()
    made = builder()
    whole, array = made.append_basic_block("number"), made.append_basic_block("array")
    made.cbranch((load(found + _TYPE) == named("PyLong_Type")).of, whole, array)
    made.position_at_end(whole)
    results.give((library("PyLong_AsLongLong", found), value(_IN_ORDER)))
    made.position_at_end(array)
    results.give((load(found + _DATA), convert(load(found + _FLAGS, INT), LONG) & _IN_ORDER))
    both: tuple[Value, Value] = results.taken()
    return both


def _array(found: Value, dtype: str, axes: int) -> Array:
    lengths = load(found + _LENGTHS)
    return array_at(load(found + _DATA), dtype, [load(lengths + 8 * axis) for axis in range(axes)])


def _number(found: Value, dtype: str) -> Value:
    if np.dtype(dtype).kind == "f":
        return convert(library("PyFloat_AsDouble", found, result=DOUBLE), kind_of(dtype))
    return convert(library("PyLong_AsLongLong", found), kind_of(dtype))
