"""Words of the digits of a number, for libraries that show its bits."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from ._base import Array, Backend

# Bits of a float that hold its exponent, and those that hold all but the lower half of its digits.
_EXPONENT = {"float32": 0x7F800000, "float64": 0x7FF << 52}
_TINY = {dtype: float(np.finfo(dtype).tiny) for dtype in _EXPONENT}
_UPPER_HALF = {"float32": -1 << 12, "float64": -1 << 27}


def less_product(a: Array, factor: Array, upper: Array, b: Array, high: Array) -> Array:
    """``a - factor * b``, given what half of the digits of both factors leave of them.

    Products of half as many digits are exact, and where little is left of the difference so are the sums.  No product
    is ever rounded, so a compiler that fuses it with its sum changes nothing.  T. J. Dekker, A floating-point technique
    for extending the available precision (1971).
    """
    lower, low = factor - upper, b - high
    return a - upper * high - upper * low - lower * high - lower * low


class ShowsBits(Backend):
    """A library whose arrays can be read as whole numbers."""

    @abstractmethod
    def with_bits(self, x: Array, mask: int) -> Array:
        """A float of which only the bits of the mask are left; it has no derivative."""

    def residual(self, a: Array, factor: Array, b: Array) -> Array:
        mask = _UPPER_HALF[self.dtype(b)]
        return less_product(a, factor, self.with_bits(factor, mask), b, self.with_bits(b, mask))

    def scale_to_one(self, x: Array) -> Array:
        dtype = self.dtype(x)
        least = _TINY[dtype]
        ordinary = self.minimum(self.maximum(self.abs(x), least), 1.0 / least)
        return 1.0 / self.with_bits(ordinary, _EXPONENT[dtype])
