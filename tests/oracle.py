"""Reference values and slopes in high precision, independent of the library: what `families` declare, for all losses.

A reference takes one row of each input that the formula sees, exactly as the library sees it, and returns the loss of
that data point.  Slopes are the central differences of the same definitions, with 160 digits and a step of 1e-30: they
have 40 digits and more, and at a kink they are the mean of both sides, which is the library's 0 for a magnitude.
A family states slopes itself where another rule is documented: at clips, the slope at the boundary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

import mpmath as mp
import numpy as np

import families
import oracle_formula

mp.mp.dps = 60
Row = Sequence[Any]
_DIGITS = 160
_STEP = mp.mpf(10) ** -30


@cache
def _table(name: str) -> dict[str, Any]:
    return families.table(name)


def exact(x: Any) -> Any:
    """A float, or nested floats, as exact numbers."""
    return mp.mpf(float(x)) if not hasattr(x, "__len__") else [exact(e) for e in x]


def value(name: str, *rows: Any, **parameters: Any) -> Any:
    """The loss of one row of each input."""
    if name not in _table("VALUES"):
        return oracle_formula.value(name, *map(exact, rows), **parameters)
    with mp.workdps(_DIGITS):
        return +_table("VALUES")[name](*(exact(np.atleast_1d(row)) for row in rows), **parameters)


def slope(name: str, t: Any, p: Any, **parameters: Any) -> list[Any]:
    """The slopes of one row of a pair with respect to the prediction."""
    if name not in _table("VALUES"):
        return oracle_formula.slope(name, exact(t), exact(p), **parameters)
    rows = [exact(np.atleast_1d(t)), exact(p)]
    if name in _table("SLOPES"):
        return list(_table("SLOPES")[name](*rows, **parameters))
    return slopes(name, rows, 1, **parameters)


def slopes(name: str, rows: Sequence[Row], place: int, **parameters: Any) -> list[Any]:
    """The slopes of one row in every element of one of the inputs."""
    settings = dict(parameters)
    if name in _table("GUARDED"):
        rows = _table("GUARDED")[name](*rows, **parameters)
        settings["epsilon"] = 0.0
    if name in _table("HELD"):
        with mp.workdps(_DIGITS):
            settings |= _table("HELD")[name](*rows, **parameters)
    return list(_slopes(name, tuple(map(_frozen, rows)), place, tuple(settings.items())))


def _frozen(row: Any) -> Any:
    return tuple(map(_frozen, row)) if isinstance(row, list | tuple) else row


@lru_cache(maxsize=1024)
def _slopes(name: str, rows: Sequence[Row], place: int, parameters: tuple[tuple[str, Any], ...]) -> list[Any]:
    """One after the other, also of the elements of a matrix."""
    with mp.workdps(_DIGITS):
        function, settings = _table("VALUES")[name], dict(parameters)
        shape = np.shape(rows[place])
        return [_slope(function, rows, place, index, settings) for index in np.ndindex(shape)]


def _slope(
    function: Callable[..., Any], rows: Sequence[Row], place: int, index: tuple[int, ...], parameters: Any
) -> Any:
    arrays = [np.array(row, dtype=object) for row in rows]
    sizes = (abs(x) for array in arrays for x in array.flat if x)
    step = _STEP * (abs(arrays[place][index]) or min(sizes, default=mp.mpf(1)))
    ends = []
    for sign in (1, -1):
        moved = [array.copy() for array in arrays]
        moved[place][index] += sign * step
        ends.append(function(*(array.tolist() for array in moved), **parameters))
    return (ends[0] - ends[1]) / (2 * step)
