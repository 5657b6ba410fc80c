"""Exact sums of numbers and of products in one pass.

A float64 is a whole number of 53 bits times a power of two, a product of two of them one of 106 bits.  Each is added to
an accumulator as wide as the exponents reach, held in limbs of 32 bits; nothing is ever rounded.
"""

from __future__ import annotations

import inspect
import math
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from ..compiler.typed import Typed
from . import store

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]

# The weight of the lowest bit: that of the product of two subnormal numbers.
LOWEST = -2 * 1075
# A limb takes less than 2**33 from one product, and holds 63 bits.
CARRY_EVERY = 1 << 29
# Limbs that one product touches, and those on either side of it that are made with it.
SPAN, ROOM = 5, 2


def exact_sums(terms, weights, codes, numbers, factors, limbs, outside, base, first):  # type: ignore[no-untyped-def]
    """Adds ``numbers * factors``, given with their bits in ``terms`` and ``weights``, to the limbs of their groups.

    Without weights the numbers themselves, without codes all to group 0.  Infinities and NaN go ``outside``.  Returns
    how many are done: the next one needs limbs below ``base`` or above the last.
    """

    def deposit(group, whole, limb, shift, sign):  # type: ignore[no-untyped-def]
        limbs[group, limb] += (((whole << shift) & 4294967295) ^ sign) - sign
        limbs[group, limb + 1] += (((whole >> (32 - shift)) & 4294967295) ^ sign) - sign
        limbs[group, limb + 2] += (((whole >> (63 - shift)) >> 1) ^ sign) - sign

    grouped, last = len(codes) > 0, limbs.shape[1] - 3
    if len(weights) == 0:
        for i in range(first, len(terms)):
            bits, group = terms[i], codes[i] if grouped else 0
            exponent, whole = (bits >> 52) & 2047, bits & 4503599627370495
            if exponent == 2047:
                outside[group] += numbers[i]
            elif exponent > 0 or whole > 0:
                whole |= 4503599627370496 if exponent > 0 else 0
                at = max(exponent, 1) + 1075
                limb = (at >> 5) - base
                if limb < 0 or limb > last:
                    return i
                deposit(group, whole, limb, at & 31, bits >> 63)  # type: ignore[no-untyped-call]
        return len(terms)
    for i in range(first, len(terms)):
        bits, group = terms[i], codes[i] if grouped else 0
        exponent, whole = (bits >> 52) & 2047, bits & 4503599627370495
        others = weights[i]
        other, factor = (others >> 52) & 2047, others & 4503599627370495
        whole |= 4503599627370496 if exponent > 0 else 0
        factor |= 4503599627370496 if other > 0 else 0
        if exponent == 2047 or other == 2047:
            outside[group] += numbers[i] * factors[i]
        elif whole > 0 and factor > 0:
            at, sign = max(exponent, 1) + max(other, 1), (bits ^ others) >> 63
            # Halves of 26 and 27 bits, so that their products fit; 54 bits of the whole product, and 52 above them.
            upper, lower, above, below = whole >> 27, whole & 134217727, factor >> 27, factor & 134217727
            middle = upper * below + lower * above
            limb, limb_above = (at >> 5) - base, ((at + 54) >> 5) - base
            if limb < 0 or limb_above > last:
                return i
            deposit(group, lower * below + ((middle & 134217727) << 27), limb, at & 31, sign)  # type: ignore[no-untyped-call]
            deposit(group, upper * above + (middle >> 27), limb_above, (at + 54) & 31, sign)  # type: ignore[no-untyped-call]
    return len(terms)


@cache
def _loop() -> Any:
    bits, numbers, number = Typed("int64", 1), Typed("float64", 1), Typed("int64")
    sums = Typed("int64", 2, is_written=True), Typed("float64", 1, is_written=True)
    parameters = [bits, bits, bits, numbers, numbers, *sums, number, number]
    return store.compiled("exact_sums", inspect.getsource(exact_sums), "float64", parameters, {}, wide=True)[0]


class CompiledSums:
    """One exact sum per group, like `lossary.scoring`'s in NumPy and several times as fast."""

    def __init__(self) -> None:
        self._limbs: Integers = np.zeros((1, 0), np.int64)
        self._base = 0
        self._outside: Floats = np.zeros(1)
        self._since = 0

    def add(
        self, terms: Floats, codes: Integers | None = None, groups: int = 1, *, weights: Floats | None = None
    ) -> None:
        """Adds each term, times its weight, to the sum of its group; without codes all belong to group 0."""
        missing = groups - len(self._limbs)
        if missing > 0:
            self._limbs = np.concatenate([self._limbs, np.zeros((missing, self._limbs.shape[1]), np.int64)])
            self._outside = np.concatenate([self._outside, np.zeros(missing)])
        if self._since + len(terms) > CARRY_EVERY:
            self._carry()
        self._since += len(terms)
        terms = np.ascontiguousarray(terms)
        factors = np.empty(0) if weights is None else np.ascontiguousarray(weights)
        places = np.empty(0, np.int64) if codes is None else codes
        arrays = terms.view(np.int64), factors.view(np.int64), places, terms, factors
        done, loop = 0, _loop()
        while (done := loop(*arrays, self._limbs, self._outside, self._base, done)) < len(terms):
            self._make_room(_place(terms[done]) + (1075 if weights is None else _place(factors[done])))

    def _make_room(self, place: int) -> None:
        """Limbs for a product whose lowest bit lies at this place, and a few more on either side."""
        width = self._limbs.shape[1]
        low, high = place // 32 - ROOM, place // 32 + SPAN + ROOM
        if width:
            low, high = min(low, self._base), max(high, self._base + width)
        wider = np.zeros((len(self._limbs), high - low), np.int64)
        start = self._base - low if width else 0
        wider[:, start : start + width] = self._limbs
        self._limbs, self._base = wider, low

    def _carry(self) -> None:
        self._since = 0
        for limb in range(self._limbs.shape[1] - 1):
            upper = self._limbs[:, limb] >> 32
            self._limbs[:, limb] -= upper << 32
            self._limbs[:, limb + 1] += upper

    def total(self, group: int = 0) -> Fraction | float:
        """The exact sum of a group; a float only where infinities or NaN took part."""
        if group >= len(self._limbs):
            return Fraction(0)
        if self._outside[group] != 0.0:
            return float(self._outside[group])
        whole = sum(int(limb) << (32 * place) for place, limb in enumerate(self._limbs[group]))
        return Fraction(whole) * Fraction(2) ** (32 * self._base + LOWEST)


def _place(number: float) -> int:
    """The exponent as it is stored, at least 1."""
    return max(1, math.frexp(number)[1] + 1022)
