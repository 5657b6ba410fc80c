"""References for deviances."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, each, mean, xlogy
from families.hurt import EPSILON


def _tweedie(t: Any, p: Any, power: Any = 1.5) -> Any:
    q = mp.mpf(power)
    if q == 1:
        return 2 * (xlogy(t, t / p) - t + p)
    if q == 2:
        return 2 * (t / p - 1 - mp.log(t / p))
    constant = t ** (2 - q) / ((1 - q) * (2 - q)) if t or q < 2 else mp.inf
    return 2 * (constant - t * p ** (1 - q) / (1 - q) + p ** (2 - q) / (2 - q))


def _generalized_kl(t: Row, p: Row) -> Any:
    if any(a > 0 and b <= 0 for a, b in zip(t, p, strict=True)):
        return mp.inf
    return mp.fsum((a * mp.log(a / b) if a else 0) - a + b for a, b in zip(t, p, strict=True))


def _terms_tweedie(t: Row, p: Row, index: int | None, power: Any = 1.5) -> Any:
    """The rounding of exponents to floats, which a power of large and small numbers magnifies."""
    rounded = max(abs(float(np.float32(x)) - x) for x in (power, 1.0 - power, 2.0 - power)) / EPSILON
    if index is not None:
        slope = 2 * abs(p[index] - t[index]) * p[index] ** -mp.mpf(power) / len(p)
        return rounded * abs(mp.log(p[index])) * slope
    logs = [abs(mp.log(b)) + (abs(mp.log(a)) if a else 0) for a, b in zip(t, p, strict=True)]
    return rounded * mean(log * _tweedie(a, b, power) for log, a, b in zip(logs, t, p, strict=True))


VALUES = {
    "gamma_deviance": each(lambda t, p: _tweedie(t, p, 2)),
    "tweedie_deviance": each(_tweedie),
    "generalized_kl_divergence": _generalized_kl,
}
TERMS = {"tweedie_deviance": _terms_tweedie}
# From 2 on a target of 0 costs infinitely much: `test_peers_counts.py` measures those without.
SETTINGS = {
    "tweedie_deviance": [{"power": power} for power in (-1.0, 0.0, 0.5, 1.0, 1.01, 1.9, 1.99)],
}
