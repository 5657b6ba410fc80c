"""Single machine operations that Python has no spelling for: bit casts, selection, sums whose order is free.

Each is one or a few LLVM instructions, without a branch, so that loops over them vectorise on any processor.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from ..compiler.values import (
    DOUBLE,
    FLOAT,
    INT,
    LONG,
    Array,
    Pointer,
    Value,
    alike,
    builder,
    convert,
    merged,
    room,
    value,
)
from .target import CHUNK, LANES, TILE

# Per float type: bits, bits of the mantissa, bits of sqrt(1/2).
_LAYOUT = {FLOAT: (32, 23, 0x3F3504F3), DOUBLE: (64, 52, 0x3FE6A09E667F3BCD)}
# The letter by which inline assembly asks for a vector register.
_VECTOR_REGISTER = {"x86_64": "x", "AMD64": "x", "aarch64": "w", "arm64": "w"}.get(platform.machine())


def _bits(x: Value) -> tuple[Any, Any]:
    word = ir.IntType(_LAYOUT[x.kind][0])
    return builder().bitcast(x.of, word), word


def _float(bits: Any, like: Value) -> Value:
    return Value(builder().bitcast(bits, like.kind))


def _llvm(name: str) -> Callable[..., Value]:
    """A function that LLVM knows, of arguments of one float type."""

    def function(*arguments: Value) -> Value:
        kinds = [arguments[0].kind]
        known = builder().module.declare_intrinsic(
            f"llvm.{name}", kinds, ir.FunctionType(kinds[0], kinds * len(arguments))
        )
        return Value(builder().call(known, [each.of for each in arguments]))

    return function


# |x| clears the sign bit; the square root is one instruction.
absolute, root, rounded_down, powered = _llvm("fabs"), _llvm("sqrt"), _llvm("floor"), _llvm("pow")
select = merged


def held(number: Any) -> Value:
    """The same number, about which LLVM knows nothing.

    A constant known to LLVM is fetched and spread over a vector anew in every turn of a loop that has more constants
    than there are registers: two instructions each, a quarter of a loop with polynomials.  An unknown number that does
    not change is spread once, before the loop, and then read from the stack as part of the instruction that needs it.
    """
    known = value(number)
    if _VECTOR_REGISTER is None:
        return known
    kind = known.kind
    nothing = ir.InlineAsm(ir.FunctionType(kind, [kind]), "", f"={_VECTOR_REGISTER},0", side_effect=False)
    return Value(builder().call(nothing, [known.of], attrs=("readnone", "nounwind")))


def residual(a: Value, factor: Value, b: Value) -> Value:
    """``a - factor * b``, rounded once."""
    a, factor = alike(a, factor)
    a, b = alike(a, b)
    return Value(builder().fma((-factor).of, b.of, a.of))


def with_sign(x: Value, sign: Value) -> Value:
    """|x| with the sign of the second argument."""
    make, (size, word), (direction, _) = builder(), _bits(x), _bits(sign)
    top = 1 << (word.width - 1)
    return _float(make.or_(make.and_(size, word(top - 1)), make.and_(direction, word(top))), x)


def lower_half(shifted: Value) -> Value:
    """``2**(k >> 1)`` for a float whose low bits are k and twice the exponent's bias; above them only zeros count."""
    bits, word = _bits(shifted)
    return _power(builder().lshr(bits, word(1)), shifted)


def upper_half(shifted: Value) -> Value:
    """``2**(k - (k >> 1))``, the other half of ``2**k``."""
    bits, word = _bits(shifted)
    return _power(builder().sub(bits, builder().lshr(bits, word(1))), shifted)


def power_of_two(shifted: Value) -> Value:
    """``2**k`` for a float whose low bits are k and the exponent's bias."""
    return _power(_bits(shifted)[0], shifted)


def _power(exponent: Any, like: Value) -> Value:
    return _float(builder().shl(exponent, exponent.type(_LAYOUT[like.kind][1])), like)


def _exponent(x: Value) -> Any:
    """The k that brings x / 2**k into [sqrt(1/2), sqrt(2)), at the place of the exponent."""
    bits, word = _bits(x)
    _, mantissa, half_root = _LAYOUT[x.kind]
    return builder().and_(builder().sub(bits, word(half_root)), word(-1 << mantissa))


def exponent(x: Value) -> Value:
    """The k, as a float, that brings a normal ``x / 2**k`` into [sqrt(1/2), sqrt(2))."""
    placed = _exponent(x)
    # 64-bit processors of before AVX-512 turn only 32-bit integers into floats a vector at a time.
    narrow = convert(Value(builder().ashr(placed, placed.type(_LAYOUT[x.kind][1]))), INT)
    return convert(narrow, x.kind)


def rescaled(x: Value, of: Value) -> Value:
    """``x / 2**k`` for the k of `exponent` of the second argument, where both are normal numbers or k is 0."""
    x = value(x)
    return _float(builder().sub(_bits(x)[0], _exponent(of)), x)


# --- reductions: the flags let LLVM keep several partial results side by side ---------------------------------------


def accumulate(total: Value, x: Any) -> Value:
    """``total + x`` in double precision, in any order."""
    return Value(builder().fadd(total.of, convert(x, DOUBLE).of, flags=("reassoc", "nsz")))


def accumulate_square(total: Value, x: Any) -> Value:
    """``total + x * x`` in double precision, in any order."""
    wide = convert(x, DOUBLE)
    return Value(builder().fadd(total.of, (wide * wide).of, flags=("reassoc", "contract", "nsz")))


def order_key(x: Any) -> Value:
    """An integer that sorts as the float does; a NaN sorts above everything."""
    x = value(x)
    make, (bits, word) = builder(), _bits(x)
    largest = word((1 << (word.width - 1)) - 1)
    flip = make.and_(make.ashr(bits, word(word.width - 1)), largest)
    return Value(make.select(make.fcmp_unordered("uno", x.of, x.of), largest, make.xor(bits, flip)))


def from_order_key(key: Value, like: Any) -> Value:
    """The float of an order key."""
    make, word = builder(), key.kind
    flip = make.and_(make.ashr(key.of, word(word.width - 1)), word((1 << (word.width - 1)) - 1))
    return _float(make.xor(key.of, flip), value(like))


def larger(a: Value, b: Value) -> Value:
    """The larger of two integers of one width."""
    return merged(a > b, a, b)


def earlier(found: Value, index: Value, condition: Value) -> Value:
    """The smaller of ``found`` and, where the condition holds, ``index`` (rows are shorter than 2**31)."""
    candidate = merged(condition, convert(index, INT), np.int32(2**31 - 1))
    return merged(candidate < found, candidate, found)


def at(index: Value, place: Value) -> Value:
    """Whether the index of a row element is the place."""
    return convert(index, place.kind) == place


def place(label: Value, columns: Value) -> Value:
    """A label as a position in the row, -1 where it names none."""
    label = convert(label, LONG)
    return merged(Value(builder().icmp_unsigned("<", label.of, columns.of)), convert(label, INT), np.int32(-1))


def faulty(faults: Any, inside: Any) -> Value:
    """Remembers that something lay outside."""
    return value(faults) | ~value(inside)


def is_finite(x: Value) -> Value:
    """Whether x is neither infinite nor NaN."""
    return absolute(x) < float("inf")


# --- where rows begin: bare pointers, because a view of an array counts references, and a call empties registers ----


def row(array: Array, index: Value) -> Pointer:
    """Where a row of an array of rows that lie one after another begins."""
    return array.onward(index * array.shape[1])


def beginning(array: Pointer, start: Any) -> Pointer:
    """Where the elements of an array of one dimension from ``start`` on begin."""
    return array.onward(start)


onward = beginning


# --- room on the stack: LLVM knows that no two of these overlap ---------------------------------------------------


def lanes(like: Any) -> Pointer:
    """A number for each of the rows side by side."""
    return room(LANES, value(like).dtype)


def tile(like: Any) -> Pointer:
    """A number for each element of the rows side by side."""
    return room(TILE, value(like).dtype)


def chunk(like: Any) -> Pointer:
    """A number for each element of a chunk."""
    return room(CHUNK, value(like).dtype)
