"""What kernels do with numbers besides computing elementary functions: choose, compare, divide and add them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..compiler.walk import routine
from .intrinsics import (
    absolute,
    accumulate,
    is_finite,
    onward,
    rescaled,
    residual,
    root,
    select,
)
from .target import CACHED, LANES

Function = Callable[..., Any]


def rows_at_once(columns: Any) -> Any:
    """How many rows a kernel takes through one loop before it turns to the next."""
    most = CACHED // columns
    return select(most < 1, 1, select(most < LANES, most, LANES))


@routine
def row_sum(x: Any, columns: int) -> Any:
    """The sum of the first elements, in double precision but for the sums of four."""
    quarter = columns // 4
    a, b, c, d = x, onward(x, quarter), onward(x, 2 * quarter), onward(x, 3 * quarter)
    total: Any = 0.0
    for j in range(quarter):
        total = accumulate(total, (a[j] + b[j]) + (c[j] + d[j]))
    for j in range(4 * quarter, columns):
        total = accumulate(total, x[j])
    if is_finite(total):
        return total
    # Four may be too large together where their mean is not.
    total = 0.0
    for j in range(columns):
        total = accumulate(total, x[j])
    return total


def namespace(kind: Any) -> dict[str, Function]:
    """The words of kernels for one float type that choose, compare and divide."""
    zero, one = kind(0.0), kind(1.0)

    def maximum(a: Any, b: Any) -> Any:
        return select((a > b) | (a != a), a, b)

    def minimum(a: Any, b: Any) -> Any:
        return select((a < b) | (a != a), a, b)

    def at_least(x: Any, limit: Any) -> Any:
        return select(limit > x, limit, x)

    def at_most(x: Any, limit: Any) -> Any:
        return select(limit < x, limit, x)

    least, most = kind(np.finfo(kind).tiny), kind(1.0 / np.finfo(kind).tiny)

    lowest = kind(np.finfo(kind).min)

    def scale_to_one(x: Any) -> Any:
        """The power of two that brings x close to 1 or -1, if it is an ordinary number and so is its inverse."""
        size = absolute(x)
        size = select(size < least, least, select(size > most, most, size))
        return rescaled(one, size)

    def quotient(x: Any, scale: Any, divisor: Any, inverse: Any) -> Any:
        """X * scale / divisor through the inverse: the remainder, which is exact, makes up for its rounding."""
        scaled = x * scale
        found = scaled * inverse
        rest = scaled - found * divisor
        # Of infinity it is NaN, which no comparison holds for.
        return found + select(rest > lowest, rest, lowest) * inverse

    def sign(x: Any) -> Any:
        return select(x > zero, one, select(x < zero, -one, x))

    def indicator(condition: Any) -> Any:
        return select(condition, one, zero)

    def square(x: Any) -> Any:
        return x * x

    def less(a: Any, b: Any) -> Any:
        return a < b

    def less_equal(a: Any, b: Any) -> Any:
        return a <= b

    def equal(a: Any, b: Any) -> Any:
        return a == b

    def logical_not(a: Any) -> Any:
        return ~a

    return {
        "row_sum": row_sum,
        "rows_at_once": rows_at_once,
        "abs": absolute,
        "sqrt": root,
        "where": select,
        "maximum": maximum,
        "minimum": minimum,
        "residual": residual,
        "scale_to_one": scale_to_one,
        "quotient": quotient,
        "at_least": at_least,
        "at_most": at_most,
        "sign": sign,
        "indicator": indicator,
        "square": square,
        "less": less,
        "less_equal": less_equal,
        "equal": equal,
        "logical_and": operator.and_,
        "logical_or": operator.or_,
        "logical_not": logical_not,
    }
