"""Numbers, pointers and arrays of a kernel while it is compiled: whatever is done to them adds instructions.

A function of straight-line arithmetic needs no compiler: called with such values, it writes itself down.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from llvmlite import ir

FLOAT, DOUBLE, BIT, INT, LONG = ir.FloatType(), ir.DoubleType(), ir.IntType(1), ir.IntType(32), ir.IntType(64)
_OF_DTYPE = {"float32": FLOAT, "float64": DOUBLE, "bool": BIT, "int32": INT, "int64": LONG}
# A product and a sum may be rounded once; nothing else about floats is left to LLVM.
_FUSED = ("contract",)
# The builder in use comes last.  One thread at a time compiles.
_builders: list[ir.IRBuilder] = []


@contextmanager
def building(builder: ir.IRBuilder) -> Iterator[ir.IRBuilder]:
    """Has instructions go where this builder stands."""
    _builders.append(builder)
    try:
        yield builder
    finally:
        _builders.pop()


def builder() -> ir.IRBuilder:
    """The builder that instructions go to."""
    return _builders[-1]


class Value:
    """A number known at run time."""

    __slots__ = ("of",)
    __hash__ = None  # type: ignore[assignment]
    # NumPy's scalars leave operators to this class.
    __array_ufunc__ = None

    def __init__(self, of: Any) -> None:
        self.of = of

    @property
    def kind(self) -> Any:
        """Its type."""
        return self.of.type

    @property
    def dtype(self) -> Any:
        """The dtype of its type."""
        return np.dtype(next(name for name, kind in _OF_DTYPE.items() if kind == self.kind))

    def __bool__(self) -> bool:
        raise TypeError("a number that is known at run time decides nothing while code is made")

    def __neg__(self) -> Value:
        return Value(builder().neg(self.of) if _is_whole(self.kind) else builder().fneg(self.of))

    def __invert__(self) -> Value:
        return Value(builder().not_(self.of))

    def __lt__(self, other: Any) -> Value:
        return _compared("<", self, other)

    def __le__(self, other: Any) -> Value:
        return _compared("<=", self, other)

    def __gt__(self, other: Any) -> Value:
        return _compared(">", self, other)

    def __ge__(self, other: Any) -> Value:
        return _compared(">=", self, other)

    def __eq__(self, other: object) -> Value:  # type: ignore[override]
        return _compared("==", self, other)

    def __ne__(self, other: object) -> Value:  # type: ignore[override]
        return _compared("!=", self, other)

    def __add__(self, other: Any) -> Value:
        return _add(self, other)

    def __radd__(self, other: Any) -> Value:
        return _add(other, self)

    def __sub__(self, other: Any) -> Value:
        return _sub(self, other)

    def __rsub__(self, other: Any) -> Value:
        return _sub(other, self)

    def __mul__(self, other: Any) -> Value:
        return _mul(self, other)

    def __rmul__(self, other: Any) -> Value:
        return _mul(other, self)

    def __truediv__(self, other: Any) -> Value:
        return _quotient(self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return _quotient(other, self)

    def __floordiv__(self, other: Any) -> Value:
        return _floordiv(self, other)

    def __rfloordiv__(self, other: Any) -> Value:
        return _floordiv(other, self)

    def __and__(self, other: Any) -> Value:
        return _and(self, other)

    def __rand__(self, other: Any) -> Value:
        return _and(other, self)

    def __or__(self, other: Any) -> Value:
        return _or(self, other)

    def __ror__(self, other: Any) -> Value:
        return _or(other, self)

    def __xor__(self, other: Any) -> Value:
        return _xor(self, other)

    def __rxor__(self, other: Any) -> Value:
        return _xor(other, self)

    def __lshift__(self, other: Any) -> Value:
        return _lshift(self, other)

    def __rshift__(self, other: Any) -> Value:
        return _rshift(self, other)


def _arithmetic(of_floats: str, of_integers: str) -> Callable[[Any, Any], Value]:
    def operation(a: Any, b: Any) -> Value:
        a, b = alike(a, b)
        if _is_whole(a.kind):
            return Value(getattr(builder(), of_integers)(a.of, b.of))
        return Value(getattr(builder(), of_floats)(a.of, b.of, flags=_FUSED))

    return operation


def _quotient(a: Any, b: Any) -> Value:
    a, b = alike(a, b)
    if _is_whole(a.kind):
        a, b = convert(a, DOUBLE), convert(b, DOUBLE)
    return Value(builder().fdiv(a.of, b.of, flags=_FUSED))


def _of_integers(name: str) -> Callable[[Any, Any], Value]:
    """Sizes are never negative, so that a quotient rounded to zero is one rounded down."""

    def operation(a: Any, b: Any) -> Value:
        a, b = alike(a, b)
        return Value(getattr(builder(), name)(a.of, b.of))

    return operation


_add, _sub, _mul = (_arithmetic(f"f{name}", name) for name in ("add", "sub", "mul"))
_and, _or, _xor = (_of_integers(name) for name in ("and_", "or_", "xor"))
_lshift, _rshift, _floordiv = (_of_integers(name) for name in ("shl", "ashr", "sdiv"))


def _compared(sign: str, a: Any, b: Any) -> Value:
    a, b = alike(a, b)
    if _is_whole(a.kind):
        return Value(builder().icmp_signed(sign, a.of, b.of))
    compare = builder().fcmp_unordered if sign == "!=" else builder().fcmp_ordered
    return Value(compare(sign, a.of, b.of))


def _is_whole(kind: Any) -> bool:
    return isinstance(kind, ir.IntType)


# --- types -----------------------------------------------------------------------------------------------------------


def kind_of(dtype: Any) -> Any:
    """The type of a number of this dtype; integers of other sizes are as wide as they can be."""
    return _OF_DTYPE.get(np.dtype(dtype).name, LONG)


def value(x: Any, like: Value | None = None) -> Value:
    """A number as a value; one without a dtype has that of another, which must be able to hold it."""
    if isinstance(x, Value):
        return x
    if isinstance(x, np.generic):
        return _constant(x.item(), kind_of(x.dtype))
    if isinstance(x, bool):
        return _constant(x, BIT)
    if isinstance(x, int):
        return _constant(x, LONG if like is None else like.kind)
    if isinstance(x, float):
        return _constant(x, DOUBLE if like is None or _is_whole(like.kind) else like.kind)
    raise TypeError(f"{x!r} is no number")


def _constant(x: Any, kind: Any) -> Value:
    return Value(ir.Constant(kind, int(x) if _is_whole(kind) else float(np.float32(x) if kind == FLOAT else x)))


def alike(a: Any, b: Any) -> tuple[Value, Value]:
    """Two numbers in one type: integers become as wide as the other, or the other's double precision."""
    a = value(a, b if isinstance(b, Value) else None)
    b = value(b, a)
    if a.kind == b.kind:
        return a, b
    if _is_whole(a.kind) and _is_whole(b.kind):
        kind = max(a.kind, b.kind, key=lambda kind: int(kind.width))
    elif DOUBLE in (a.kind, b.kind) and (_is_whole(a.kind) or _is_whole(b.kind)):
        kind = DOUBLE
    else:
        raise TypeError(f"{a.kind} and {b.kind} do not mix")
    return convert(a, kind), convert(b, kind)


def convert(x: Any, kind: Any) -> Value:
    """A number in another type."""
    given = value(x)
    return given if given.kind == kind else Value(_conversion(given.kind, kind)(given.of, kind))


def fitting(x: Any, kind: Any) -> Value:
    """A number where there is room for one of this type: integers may change their width, nothing else changes."""
    given = value(x, Value(ir.Constant(kind, None)))
    both_whole = _is_whole(given.kind) and _is_whole(kind) and BIT not in (given.kind, kind)
    if not both_whole and given.kind != kind:
        raise TypeError(f"{given.kind} where {kind} belongs")
    return convert(given, kind)


def _conversion(old: Any, new: Any) -> Any:
    make = builder()
    if _is_whole(old) and _is_whole(new):
        wider = make.zext if old == BIT else make.sext
        return make.trunc if old.width > new.width else wider
    if _is_whole(old):
        return make.uitofp if old == BIT else make.sitofp
    if _is_whole(new):
        return make.fptosi
    return make.fpext if new == DOUBLE else make.fptrunc


def merged(condition: Any, a: Any, b: Any) -> Value:
    """``a if condition else b`` with both at hand."""
    a, b = alike(a, b)
    return Value(builder().select(value(condition).of, a.of, b.of))


# --- memory ----------------------------------------------------------------------------------------------------------


class Pointer:
    """Where elements of a dtype lie one after another."""

    def __init__(self, address: Any, dtype: Any) -> None:
        self.address = address
        self.dtype = np.dtype(dtype)

    def __getitem__(self, index: Any) -> Value:
        made, stored = builder(), builder().load(self._at(index))
        kind = kind_of(self.dtype)
        if kind == BIT:
            return Value(made.icmp_unsigned("!=", stored, stored.type(0)))
        if stored.type == kind:
            return Value(stored)
        return Value((made.zext if self.dtype.kind == "u" else made.sext)(stored, kind))

    def __setitem__(self, index: Any, x: Any) -> None:
        place = self._at(index)
        builder().store(convert(fitting(x, kind_of(self.dtype)), place.type.pointee).of, place)

    def onward(self, count: Any) -> Pointer:
        """So many elements further on."""
        return Pointer(Pointer._at(self, count), self.dtype)

    def _at(self, index: Any) -> Any:
        return builder().gep(self.address, [convert(index, LONG).of])


class Array(Pointer):
    """Elements in rows: where they lie, and how many there are along each axis."""

    def __init__(self, address: Any, dtype: Any, shape: Sequence[Any]) -> None:
        super().__init__(address, dtype)
        self.shape = tuple(shape)

    @property
    def size(self) -> Any:
        """How many elements there are."""
        found = self.shape[0]
        for length in self.shape[1:]:
            found = found * length
        return found

    def _at(self, index: Any) -> Any:
        of_all, *others = index if isinstance(index, tuple) else (index,)
        if len(others) + 1 != len(self.shape):
            raise TypeError(f"{len(others) + 1} indices of an array with {len(self.shape)} axes")
        for length, one in zip(self.shape[1:], others, strict=True):
            of_all = of_all * length + one
        return super()._at(of_all)


def stored_kind(dtype: Any) -> Any:
    """The type in memory."""
    dtype = np.dtype(dtype)
    return kind_of(dtype) if dtype.kind == "f" else ir.IntType(8 * dtype.itemsize)


def array_at(address: Value, dtype: Any, shape: Sequence[Any]) -> Array:
    """The array whose elements begin at an address."""
    return Array(builder().inttoptr(address.of, stored_kind(dtype).as_pointer()), dtype, shape)


def room(count: int, dtype: Any) -> Pointer:
    """Room on the stack, which overlaps with nothing else."""
    with builder().goto_entry_block():
        return Pointer(builder().alloca(stored_kind(dtype), size=ir.Constant(LONG, count)), dtype)


# What operators of the source mean.
BINARY = {
    "Add": operator.add, "Sub": operator.sub, "Mult": operator.mul, "Div": operator.truediv,
    "FloorDiv": operator.floordiv, "LShift": operator.lshift, "RShift": operator.rshift, "BitAnd": operator.and_,
    "BitOr": operator.or_, "BitXor": operator.xor,
}  # fmt: skip
COMPARED = {
    "Lt": operator.lt, "LtE": operator.le, "Gt": operator.gt, "GtE": operator.ge, "Eq": operator.eq,
    "NotEq": operator.ne,
}  # fmt: skip
