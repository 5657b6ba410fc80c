"""References for losses of forecasts."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, mean
from families.hurt import ROWS, Hurt, no_terms, real


def _mase(t: Row, p: Row, scale: Row) -> Any:
    return mean(abs(b - a) for a, b in zip(t, p, strict=True)) / scale[0]


def _rmsse(t: Row, p: Row, scale: Row) -> Any:
    return mp.sqrt(mean((b - a) ** 2 for a, b in zip(t, p, strict=True)) / scale[0])


def _series(rng: np.random.Generator, scale: float) -> list[Any]:
    t, p = real(2)(rng, scale)
    p[0] = t[0] * (1.0 + 2.0**-23)
    return [t, p, 10.0 ** rng.uniform(-5, 5, (ROWS, 1))]


VALUES = {"mean_absolute_scaled_error": _mase, "root_mean_squared_scaled_error": _rmsse}
HURT = [
    Hurt("mean_absolute_scaled_error", _series, no_terms, {}, (1.0, 1e25, 1e-25)),
    Hurt("root_mean_squared_scaled_error", _series, no_terms, {}, (1.0, 1e25, 1e-25)),
]
