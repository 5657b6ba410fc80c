"""References for losses of counts."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, each, each_slope, mean, xlogy
from families.hurt import EPSILON, ROWS, WIDTH, Hurt, clipped, guarded


def _poisson(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7), from_logs: bool = False) -> Any:
    if from_logs:
        return _poisson(t, mp.exp(p), mp.mpf(0))
    return p - xlogy(t, p + epsilon)


def _poisson_slope(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7), from_logs: bool = False) -> Any:
    if from_logs:
        return mp.exp(p) * _poisson_slope(t, mp.exp(p), mp.mpf(0))
    return mp.mpf(1) if t == 0 else 1 - t / (p + epsilon)


def _terms_poisson(t: Any, p: Any, index: int | None, from_logs: bool = False) -> Any:
    if from_logs:
        if index is not None:
            return (mp.exp(p[index]) + t[index]) / len(p)
        return sum(mp.exp(b) + abs(a * b) for a, b in zip(t, p, strict=True)) / len(p)
    if index is not None:
        return 0
    return sum(abs(b) + abs(xlogy(a, b + mp.mpf(1e-7))) for a, b in zip(t, p, strict=True)) / len(p)


def _negative_binomial_nll(y: Row, center: Row, dispersion: Row, epsilon: Any = 1e-7) -> Any:
    def one(k: Any, m: Any, r: Any) -> Any:
        ways = mp.loggamma(k + r) - mp.loggamma(r) - mp.loggamma(k + 1)
        return -ways - r * mp.log(r / (r + m)) - xlogy(k, m / (r + m))

    return mean(one(*each) for each in zip(y, clipped(epsilon, center), clipped(epsilon, dispersion), strict=True))


def _clusters(rng: np.random.Generator, scale: float) -> list[Any]:
    center = 10.0 ** rng.uniform(-2, 3, (ROWS, WIDTH)) * scale
    dispersion = 10.0 ** rng.uniform(-3, 7, (ROWS, WIDTH))
    y = rng.poisson(rng.gamma(dispersion, center / dispersion)).astype(float)
    y[0] = [0.0, 1.0, 2.0, 1000.0]
    center[1] = np.maximum(y[1], 1.0) * (1.0 + rng.integers(-4, 5, WIDTH) * EPSILON)
    return [y, center, dispersion]


def _terms_clusters(rows: Any, place: int | None, **_: Any) -> Any:
    kept = list(zip(*rows, strict=True))
    if place is None:
        return mean(abs(mp.log(y or 1)) + y / (y + r) for y, m, r in kept)
    if place == 1:
        return 0
    both = [((m - y) / (m + r), y / (r * (y + r))) for y, m, r in kept]
    return max(abs(mp.log1p(-v) + v) + near for v, near in both) / len(kept)


VALUES = {"poisson": each(_poisson), "negative_binomial_nll": _negative_binomial_nll}
GUARDED = {"negative_binomial_nll": guarded(1, 2, least=1e-7)}
HURT = [Hurt("negative_binomial_nll", _clusters, _terms_clusters, {"epsilon": 0.0}, (1.0, 1e4, 1e-10))]
SLOPES = {"poisson": each_slope(_poisson_slope)}
TERMS = {"poisson": _terms_poisson}
SETTINGS = {"poisson": [{"from_logs": True}]}
