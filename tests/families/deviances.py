"""References for deviances."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, each, each_slope, mean, xlogy
from families.hurt import EPSILON


def _tweedie(t: Any, p: Any, power: Any = 1.5, from_logs: bool = False) -> Any:
    q, p = mp.mpf(power), mp.exp(p) if from_logs else p
    if q == 1:
        return 2 * (xlogy(t, t / p) - t + p)
    if q == 2:
        return 2 * (t / p - 1 - mp.log(t / p))
    constant = t ** (2 - q) / ((1 - q) * (2 - q)) if t or q < 2 else mp.inf
    return 2 * (constant - t * p ** (1 - q) / (1 - q) + p ** (2 - q) / (2 - q))


def _tweedie_slope(t: Any, p: Any, power: Any = 1.5, from_logs: bool = False) -> Any:
    q = mp.mpf(power)
    if from_logs:
        return 2 * (mp.exp((2 - q) * p) - t * mp.exp((1 - q) * p))
    return 2 * (p - t) * p**-q


def _generalized_kl_slope(t: Row, p: Row, from_logs: bool = False) -> list[Any]:
    if from_logs:
        return [mp.exp(b) - a for a, b in zip(t, p, strict=True)]
    return [1 - (0 if a == 0 else mp.inf if b == 0 else a / b) for a, b in zip(t, p, strict=True)]


def _generalized_kl(t: Row, p: Row, from_logs: bool = False) -> Any:
    p = list(map(mp.exp, p)) if from_logs else p
    if any(a > 0 and b <= 0 for a, b in zip(t, p, strict=True)):
        return mp.inf
    return mp.fsum((a * mp.log(a / b) if a else 0) - a + b for a, b in zip(t, p, strict=True))


def _terms_of_logs(t: Row, p: Row, index: int | None, power: Any) -> Any:
    """Where a target is near its mean, the difference of their logarithms; it moves a value by its slope."""
    rows = [(abs(b), mp.exp(b) ** (2 - mp.mpf(power)), a * mp.exp(-b)) for a, b in zip(t, p, strict=True)]
    if index is None:
        return mean(2 * size * (abs(1 - r) + size * EPSILON) * scale if r else mp.mpf(0) for size, scale, r in rows)
    size, scale, r = rows[index]
    return 2 * size * max(r, 0) * scale / len(p) if mp.mpf(0.36) < r < 2.8 or size > 80 else 0


def _terms_gamma(t: Row, p: Row, index: int | None, from_logs: bool = False) -> Any:
    return _terms_of_logs(t, p, index, 2) if from_logs else 0


def _terms_kl(t: Row, p: Row, index: int | None, from_logs: bool = False) -> Any:
    if not from_logs:
        return 0
    if index is not None:
        return mp.exp(p[index]) + t[index]
    return _terms_of_logs(t, p, None, 1) * len(p) / 2


def _terms_tweedie(t: Row, p: Row, index: int | None, power: Any = 1.5, from_logs: bool = False) -> Any:
    """The rounding of exponents to floats, which a power of large and small numbers magnifies."""
    if from_logs:
        means = list(map(mp.exp, p))
        more = _terms_tweedie(t, means, index, power) * (1 if index is None else means[index])
        return more + _terms_of_logs(t, p, index, power)
    rounded = max(abs(float(np.float32(x)) - x) for x in (power, 1.0 - power, 2.0 - power)) / EPSILON
    if index is not None:
        slope = 2 * abs(p[index] - t[index]) * p[index] ** -mp.mpf(power) / len(p)
        return rounded * abs(mp.log(p[index])) * slope
    logs = [abs(mp.log(b)) + (abs(mp.log(a)) if a else 0) for a, b in zip(t, p, strict=True)]
    return rounded * mean(log * _tweedie(a, b, power) for log, a, b in zip(logs, t, p, strict=True))


VALUES = {
    "gamma_deviance": each(lambda t, p, from_logs=False: _tweedie(t, p, 2, from_logs)),
    "tweedie_deviance": each(_tweedie),
    "generalized_kl_divergence": _generalized_kl,
}
SLOPES = {
    "gamma_deviance": each_slope(lambda t, p, from_logs=False: _tweedie_slope(t, p, 2, from_logs)),
    "tweedie_deviance": each_slope(_tweedie_slope),
    "generalized_kl_divergence": _generalized_kl_slope,
}
TERMS = {
    "gamma_deviance": _terms_gamma,
    "tweedie_deviance": _terms_tweedie,
    "generalized_kl_divergence": _terms_kl,
}
# From 2 on a target of 0 costs infinitely much: `test_peers_counts.py` measures those without.
SETTINGS = {
    "tweedie_deviance": [
        *({"power": power} for power in (-1.0, 0.0, 0.5, 1.0, 1.01, 1.9, 1.99)),
        *({"power": power, "from_logs": True} for power in (0.0, 1.0, 1.5, 1.9)),
    ],
    "gamma_deviance": [{"from_logs": True}],
    "generalized_kl_divergence": [{"from_logs": True}],
}
