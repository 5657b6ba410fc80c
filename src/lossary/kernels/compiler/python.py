"""The function by which Python calls a compiled one: NumPy arrays and numbers in, an integer out, without the lock.

It is a built-in function like any other (METH_FASTCALL), which costs a fraction of a microsecond; through ctypes a call
with a few arrays takes several.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir

from .link import ENTRY
from .memory import library, load, named
from .typed import Typed
from .unit import Function, Unit
from .values import DOUBLE, LONG, Array, Value, array_at, builder, building, convert, kind_of
from .walk import Results

# Objects begin with what Python needs of them, their type last; then come, in an array of NumPy, the address of its
# elements, the number of its axes, and the address of their lengths.  That order is part of NumPy's binary interface.
HEADER = object.__basicsize__
_TYPE, _DATA, _LENGTHS = HEADER - 8, HEADER, HEADER + 16


def add_entry(unit: Unit, function: Function) -> None:
    """Adds the entry of a function to its unit.  The types of arrays are the caller's business."""
    made = unit.declared(ENTRY, LONG, [LONG, LONG, LONG], public=True)
    with building(ir.IRBuilder(made.append_basic_block("entry"))) as here:
        _, arguments, count = map(Value, made.args)
        with here.if_then((count != len(function.parameters)).of, likely=False):
            library("PyErr_BadArgument", result=ir.IntType(32))
            here.ret(LONG(0))
        given = []
        for place, each in enumerate(function.parameters):
            found = load(arguments + 8 * place)
            given.append(_taken(found, each))
        with here.if_then((library("PyErr_Occurred") != 0).of, likely=False):
            here.ret(LONG(0))
        thread = library("PyEval_SaveThread")
        result = function(*given)
        library("PyEval_RestoreThread", thread, result=ir.VoidType())
        with here.if_then((result < 0).of, likely=False):
            here.ret(library("PyErr_NoMemory").of)
        here.ret(library("PyLong_FromLongLong", convert(result, LONG)).of)


def _taken(found: Value, each: Typed) -> Value | Array:
    if each.is_address:
        return _address(found)
    return _array(found, each.dtype, each.axes) if each.axes else _number(found, each.dtype)


def _address(found: Value) -> Value:
    """The number, or where the elements of the array are."""
    results = Results()
    made = builder()
    whole, array = made.append_basic_block("number"), made.append_basic_block("array")
    made.cbranch((load(found + _TYPE) == named("PyLong_Type")).of, whole, array)
    made.position_at_end(whole)
    results.give(library("PyLong_AsLongLong", found))
    made.position_at_end(array)
    results.give(load(found + _DATA))
    address: Value = results.taken()
    return address


def _array(found: Value, dtype: str, axes: int) -> Array:
    lengths = load(found + _LENGTHS)
    return array_at(load(found + _DATA), dtype, [load(lengths + 8 * axis) for axis in range(axes)])


def _number(found: Value, dtype: str) -> Value:
    if np.dtype(dtype).kind == "f":
        return convert(library("PyFloat_AsDouble", found, result=DOUBLE), kind_of(dtype))
    return convert(library("PyLong_AsLongLong", found), kind_of(dtype))
