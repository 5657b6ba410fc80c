"""Means over rows whose length is known before anything runs."""

from __future__ import annotations

import math

from ._base import Array, Backend


class MeansByLength(Backend):
    """Scales by a power of two that the length of the row fixes.

    That costs no look at the row, and the sum cannot overflow where the mean fits; XLA and TensorFlow take what it
    pushes below 1e-38 for 0, as they do with all subnormals.
    """

    def mean(self, x: Array) -> Array:
        length = self.shape(x)[-1]
        if not isinstance(length, int):  # Known only at run time, or a symbol.
            return super().mean(x)
        scale = 2.0 ** math.ceil(math.log2(length))
        return self.sum(x * (1.0 / scale)) * (scale / length)

    def mean_square(self, x: Array) -> Array:
        length = self.shape(x)[-1]
        if not isinstance(length, int):
            return super().mean_square(x)
        scale = 2.0 ** math.ceil(math.log2(length) / 2.0)
        return self.sum(self.square(x * (1.0 / scale))) * (scale * scale / length)
