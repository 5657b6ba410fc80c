"""Sums of floating-point numbers without any rounding, so that neither order nor chunking can change them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]

BITS = 32
# Up to 2**20 integers of 33 bits add up inside the 53 bits of a float64; a block this long also stays in the cache.
BLOCK = 1 << 15
# So many blocks fit before the 63 bits of an accumulator could overflow.
CARRY_EVERY = 1 << 12
SLICE = 1 << 13
# Numbers whose level would lie outside float64's range are moved by 2**512, which is SHIFT levels.
HUGE, UP, DOWN, SHIFT, LOWEST = 2.0**800, 2.0**512, 2.0**-512, 512 // BITS, -28


class ExactSums:
    """One exact sum per group.

    Every number is cut into pieces that are multiples of ``2**(32 k)``; the pieces of one level k are integers of 33
    bits, whose sums over a block are exact in float64 and are kept as integers.  What is kept depends on the set of
    numbers alone.
    """

    def __init__(self) -> None:
        self._levels: dict[int, Integers] = {}
        self._outside: Floats = np.zeros(1)
        self._blocks = 0

    def add(
        self, terms: Floats, codes: Integers | None = None, groups: int = 1, *, weights: Floats | None = None
    ) -> None:
        """Adds each term, times its weight, to the sum of its group; without codes all belong to group 0."""
        if weights is not None:
            for part in exact_products(terms, weights):
                self.add(part, codes, groups)
            return
        for start in range(0, len(terms), BLOCK):
            block = slice(start, start + BLOCK)
            self._add(terms[block], None if codes is None else codes[block], groups)
            self._blocks += 1
            if self._blocks % CARRY_EVERY == 0:
                self._carry()

    def _add(self, terms: Floats, codes: Integers | None, groups: int) -> None:
        rest = np.array(terms, dtype=np.float64)
        largest = _largest(rest)
        if not math.isfinite(largest):
            finite = np.isfinite(rest)
            self._outside = _grown(self._outside, groups)
            with np.errstate(invalid="ignore"):
                self._outside[:groups] += _group_sums(np.where(finite, 0.0, rest), codes, groups)
            rest[~finite] = 0.0
            largest = _largest(rest)
        if largest >= HUGE:
            huge = np.abs(rest) >= HUGE
            self._peel(np.where(huge, rest, 0.0) * DOWN, codes, groups, SHIFT)
            rest[huge] = 0.0
        self._peel(rest, codes, groups, 0)

    def _peel(self, rest: Floats, codes: Integers | None, groups: int, offset: int) -> None:
        """Takes level after level out of the rest, until nothing is left."""
        largest = _largest(rest)
        level = (math.frexp(largest)[1] - 1) // BITS
        while largest:
            if level < LOWEST:
                rest *= UP
                level, offset = level + SHIFT, offset - SHIFT
            self._one_level(rest, codes, groups, level, offset)
            # What is left is at most half of the level's unit, so it belongs to the next level or below.
            level -= 1
            largest = float(rest.any())

    def _one_level(self, rest: Floats, codes: Integers | None, groups: int, level: int, offset: int) -> None:
        """Takes the multiples of the level's unit out of the rest, in place, and adds them up."""
        unit = 2.0 ** (BITS * level)
        anchor = 1.5 * 2.0**52 * unit
        pieces = rest + anchor
        pieces -= anchor
        rest -= pieces
        sums = (_group_sums(pieces, codes, groups) / unit).astype(np.int64)
        held = _grown(self._levels.get(level + offset, np.zeros(groups, np.int64)), groups)
        held[:groups] += sums
        self._levels[level + offset] = held

    def _carry(self) -> None:
        for level in range(min(self._levels, default=0), max(self._levels, default=-1) + 1):
            held = self._levels.get(level)
            if held is None:
                continue
            upper = held >> BITS
            self._levels[level] = held - (upper << BITS)
            above = _grown(self._levels.get(level + 1, np.zeros(len(held), np.int64)), len(held))
            above[: len(upper)] += upper
            self._levels[level + 1] = above

    def total(self, group: int = 0) -> Fraction | float:
        """The exact sum of a group; a float only where infinities or NaN took part."""
        if group < len(self._outside) and self._outside[group] != 0.0:
            return float(self._outside[group])
        whole = Fraction(0)
        for level, held in self._levels.items():
            if group < len(held):
                whole += int(held[group]) * Fraction(2) ** (BITS * level)
        return whole


def quotient(numerator: Fraction | float, denominator: Fraction | float) -> float:
    """The correctly rounded quotient; NaN where there is nothing to divide by."""
    if denominator == 0:
        return math.nan
    try:
        return float(numerator / denominator)
    except OverflowError:
        return math.copysign(math.inf, numerator)


def exact_products(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Rounded products and what the rounding left out: together they are the exact products."""
    product, error = np.empty_like(x), np.empty_like(x)
    # Short slices, so that what lies between stays in the cache.
    for start in range(0, len(x), SLICE):
        part = slice(start, start + SLICE)
        (x_high, x_low), (y_high, y_low) = _halves(x[part]), _halves(y[part])
        rounded = np.multiply(x[part], y[part], out=product[part])
        error[part] = ((y_high * x_high - rounded) + y_high * x_low + y_low * x_high) + y_low * x_low
    if not math.isfinite(_largest(error)):
        error[~np.isfinite(error)] = 0.0
    return product, error


def _halves(x: Floats) -> tuple[Floats, Floats]:
    """Veltkamp's split into two numbers of 26 bits."""
    scaled = x * 134217729.0
    high = scaled - (scaled - x)
    return high, x - high


def _largest(x: Floats) -> float:
    return max(float(x.max()), -float(x.min())) if len(x) else 0.0


def _group_sums(pieces: Floats, codes: Integers | None, groups: int) -> Floats:
    if codes is None:
        return np.array([pieces.sum()])
    return np.asarray(np.bincount(codes, weights=pieces, minlength=groups), np.float64)


def _grown(array: Any, length: int) -> Any:
    if len(array) >= length:
        return array
    return np.concatenate([array, np.zeros(length - len(array), array.dtype)])
